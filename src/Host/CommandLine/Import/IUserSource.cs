using System.Security.Cryptography;
using System.Text;
using Modular.Host.Database;
using Modular.Identity.Contracts;

namespace Modular.Host.CommandLine;

/// <summary>Where users come from, in the order of their ids, so that an import can go on after any of them.</summary>
internal interface IUserSource : IAsyncDisposable
{
    /// <summary>The same for the same source with the same content; holds no secret.</summary>
    string Identity { get; }

    Task<long> Count(string? after, CancellationToken ct);

    IAsyncEnumerable<SourceUser> Read(string? after, CancellationToken ct);
}

/// <summary>Opens what the operator has named.</summary>
internal static class UserSources
{
    public static async Task<IUserSource> Open(string kind, string fileOrUrl, string schema, string[] tables, CancellationToken ct)
    {
        if (PostgresUri.IsOne(fileOrUrl))
            return await DatabaseUsers.Open(PostgresUri.ToConnectionString("The address", fileOrUrl), schema, tables, ct);
        if (File.Exists(fileOrUrl) || Directory.Exists(fileOrUrl))
            return FileUsers.Read(kind, Path.GetFullPath(fileOrUrl));
        // No name is repeated that may be a misspelt address with a password in it.
        throw new UsageException("That is neither a file, nor a folder, nor a postgres:// address.");
    }

    public static string Run(string kind, IUserSource source) =>
        $"{kind}/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{source.Identity}")))[..32]}";
}

/// <summary>Names of tables and columns as they are met: drizzle's, Prisma's and those of plain SQL.</summary>
internal static class SourceNames
{
    public static readonly string[] Users = ["user", "users", "User"];
    public static readonly string[] Accounts = ["account", "accounts", "Account"];
    public static readonly string[] Sessions = ["session", "sessions", "Session"];

    public static bool IsUserId(string column) => column is "userId" or "user_id" or "userid";
}
