using System.Text.Json;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// <c>neon_auth.users_sync</c> (DESIGN §10): the table that application tables join with and reference. Written in the
/// user's own transaction, so it is never behind.
/// </summary>
internal sealed class UsersSync : SnapshotTableProjection<User>
{
    /// <summary>Our promise in SQL to the applications of this database.</summary>
    public const string Table = """
        create schema if not exists {neon_auth};
        create table {neon_auth}.users_sync (
            id text primary key,
            name text,
            email text,
            raw_json jsonb not null,
            created_at timestamptz,
            updated_at timestamptz,
            deleted_at timestamptz);
        create index users_sync_email on {neon_auth}.users_sync (email);
        """;

    public UsersSync()
        : base("users_sync", "neon_auth")
    {
        Column("id", "text", (user, _) => user.Id);
        Column("name", "text", (user, _) => user.Name);
        Column("email", "text", (user, _) => MissingAddress.Is(user.Email) ? null : user.Email);
        Column("raw_json", "jsonb", (user, _) => RawJson(user));
        Column("created_at", "timestamptz", (user, _) => user.CreatedAt);
        Column("updated_at", "timestamptz", (user, _) => user.UpdatedAt);
        Column("deleted_at", "timestamptz", (_, _) => null);
    }

    /// <summary>For the sweep of <see cref="PurgeDeletedUsers"/>.</summary>
    public const string DeletedIndex = "create index users_sync_deleted_at on {neon_auth}.users_sync (deleted_at) where deleted_at is not null;";

    /// <summary>Where a deleted user's row stays for a while, nothing personal does.</summary>
    protected override IReadOnlyDictionary<string, object?>? Remains(IEvent last) => last.Data is UserDeleted { KeepsRow: true } deleted
        ? new Dictionary<string, object?>
        {
            ["name"] = null,
            ["email"] = null,
            ["raw_json"] = JsonSerializer.Serialize(new { Id = deleted.UserId, DeletedAt = deleted.At }, WireJson.Options),
            ["updated_at"] = deleted.At,
            ["deleted_at"] = deleted.At,
        }
        : null;

    private static string RawJson(User user)
    {
        var hasAddress = !MissingAddress.Is(user.Email);
        if (user.LinkedTo is null && hasAddress)
            return JsonSerializer.Serialize(user.ToPrincipal(), WireJson.Options);
        var json = JsonSerializer.SerializeToNode(user.ToPrincipal(), WireJson.Options)!;
        if (user.LinkedTo is not null)
            json["linkedTo"] = user.LinkedTo;
        if (!hasAddress)
            json["email"] = null;
        return json.ToJsonString(WireJson.Options);
    }
}
