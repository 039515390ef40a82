using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Modular.Identity.Contracts;

namespace Modular.Host.CommandLine;

/// <summary>
/// Users from files: one with an object of tables, or with users alone, as JSON, NDJSON or CSV; or a folder with a file per
/// table. Kept in memory, since nothing says that accounts and sessions come in the order of their users.
/// </summary>
internal sealed class FileUsers : IUserSource
{
    private static readonly string[] Endings = [".json", ".ndjson", ".jsonl", ".csv"];

    private readonly SortedDictionary<string, SourceUser> users;

    private FileUsers(string identity, SortedDictionary<string, SourceUser> users) => (Identity, this.users) = (identity, users);

    public string Identity { get; }

    public static FileUsers Read(string kind, string path)
    {
        var tables = Directory.Exists(path) ? OfFolder(path) : OfFile(path);
        var users = new SortedDictionary<string, SourceUser>(StringComparer.Ordinal);
        var (accounts, sessions) = (ByUser(tables.Accounts), ByUser(tables.Sessions));
        foreach (var row in tables.Users)
        {
            if (Text(row, "id") is not { } id)
                throw new CommandFailedException($"{path} holds a user without an id: is it an export of {kind}?");
            users[id] = new SourceUser(id, row.ToJsonString(), [.. accounts[id]], [.. sessions[id]]);
        }

        return new FileUsers(tables.Digest, users);
    }

    public Task<long> Count(string? after, CancellationToken ct) => Task.FromResult(users.Keys.LongCount(id => IsAfter(id, after)));

    public async IAsyncEnumerable<SourceUser> Read(string? after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask;
        foreach (var user in users.Values.Where(user => IsAfter(user.Id, after)))
            yield return user;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static bool IsAfter(string id, string? after) => after is null || string.CompareOrdinal(id, after) > 0;

    private static ILookup<string, string> ByUser(IEnumerable<JsonObject> rows) => rows
        .Select(row => (User: Text(row, "userId") ?? Text(row, "user_id"), Row: row.ToJsonString()))
        .Where(row => row.User is not null)
        .ToLookup(row => row.User!, row => row.Row, StringComparer.Ordinal);

    private static string? Text(JsonObject row, string name) => row[name] is JsonValue value
        ? value.TryGetValue<string>(out var text) ? text : value.ToJsonString()
        : null;

    private static SourceTables OfFolder(string path)
    {
        string? Find(string[] names) => names.SelectMany(name => Endings.Select(ending => Path.Combine(path, name + ending))).FirstOrDefault(File.Exists);
        var users = Find(SourceNames.Users) ?? throw new CommandFailedException($"{path} has no file user.json, user.ndjson or user.csv.");
        string?[] files = [users, Find(SourceNames.Accounts), Find(SourceNames.Sessions)];
        var contents = files.Select(file => file is null ? "" : File.ReadAllText(file)).ToArray();
        var rows = files.Select((file, at) => file is null ? [] : Rows(file, contents[at])).ToArray();
        return new(Digest(contents), rows[0], rows[1], rows[2]);
    }

    private static SourceTables OfFile(string path)
    {
        var content = File.ReadAllText(path);
        if (!path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) && Parse(path, content) is JsonObject tables && !tables.ContainsKey("id"))
        {
            IReadOnlyList<JsonObject> Of(string[] names) =>
                names.Select(name => tables[name]).OfType<JsonArray>().FirstOrDefault() is { } found ? [.. found.OfType<JsonObject>()] : [];
            return new(Digest([content]), Of([.. SourceNames.Users, "data"]), Of(SourceNames.Accounts), Of(SourceNames.Sessions));
        }

        return new(Digest([content]), Rows(path, content), [], []);
    }

    private static IReadOnlyList<JsonObject> Rows(string path, string content)
    {
        if (path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase))
            return [.. Csv.Read(content)];
        return Parse(path, content) switch
        {
            JsonArray rows => [.. rows.OfType<JsonObject>()],
            JsonObject row => [row],
            _ => [.. content.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select((line, at) =>
                Json(line) as JsonObject ?? throw new CommandFailedException(string.Create(CultureInfo.InvariantCulture, $"{path}: line {at + 1} is no JSON object.")))],
        };
    }

    // Null: not one value, so perhaps one a line.
    private static JsonNode? Parse(string path, string content) => path.EndsWith(".ndjson", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase)
        ? null
        : Json(content);

    private static JsonNode? Json(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Digest(IEnumerable<string> contents) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', contents))));

    private sealed record SourceTables(string Digest, IReadOnlyList<JsonObject> Users, IReadOnlyList<JsonObject> Accounts, IReadOnlyList<JsonObject> Sessions);
}
