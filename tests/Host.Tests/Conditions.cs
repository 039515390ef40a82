using Modular.Host.Database;
using Modular.Testing;

namespace Modular.Host.Tests;

[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactWithNpmAttribute : FactAttribute
{
    public FactWithNpmAttribute()
    {
        if (ChildProcess.Find("npm", new EmbeddedPostgresOptions().SearchPath) is null)
            Skip = "npm is not on this machine.";
    }
}

[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactWithSystemPostgresAttribute : FactAttribute
{
    public const string Folder = "/usr/lib/postgresql";

    public FactWithSystemPostgresAttribute()
    {
        if (!Directory.Exists(Folder) || !Directory.EnumerateFiles(Folder, "initdb", SearchOption.AllDirectories).Any())
            Skip = $"No PostgreSQL below {Folder}.";
    }
}

[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactAsRootAttribute : FactAttribute
{
    public FactAsRootAttribute()
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
            Skip = "Only as root.";
    }
}

[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactWithPgBouncerAttribute : FactAttribute
{
    public FactWithPgBouncerAttribute() => Skip = Pooler.IsInstalled ? null : Pooler.Missing;
}

[AttributeUsage(AttributeTargets.Method)]
internal sealed class TheoryWithPgBouncerAttribute : TheoryAttribute
{
    public TheoryWithPgBouncerAttribute() => Skip = Pooler.IsInstalled ? null : Pooler.Missing;
}
