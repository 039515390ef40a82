namespace Modular.Host.Tests;

/// <summary>An empty folder that every user can reach, so that the server uses it as it is when the tests run as root.</summary>
public sealed class ScratchFolder : IDisposable
{
    public string Path { get; } =
        Directory.CreateDirectory(System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"modular-host-test-{Guid.NewGuid():N}")).FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
