using System.Text.Json;
using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>Reads users page by page: one query, so that page and total are of one moment.</summary>
internal sealed class UserRows(StoreDatabase database)
{
    public async Task<ListUsers.Page> Find(UserSearch search, CancellationToken ct)
    {
        var where = search.Where.Length == 0 ? "" : $"where {search.Where}";
        await using var command = database.Pooled.CreateCommand(
            $"""
            select counted.total, page.data
            from (select count(*) as total from identity.mt_doc_user {where}) as counted
            left join (
                select data, row_number() over () as place
                from (select data from identity.mt_doc_user {where} order by {search.OrderBy} limit {search.Limit} offset {search.Offset}) as sorted) as page on true
            order by page.place
            """);
        foreach (var value in search.Values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        await using var rows = await command.ExecuteReaderAsync(ct);
        var (users, total) = (new List<User>(), 0L);
        while (await rows.ReadAsync(ct))
        {
            total = rows.GetInt64(0);
            if (!rows.IsDBNull(1))
                users.Add(JsonSerializer.Deserialize<User>(rows.GetFieldValue<byte[]>(1), StoreJson.Options)!);
        }

        return new(users, total);
    }
}
