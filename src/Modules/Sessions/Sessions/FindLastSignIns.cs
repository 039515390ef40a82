using MediatR;
using Modular.Store;
using Npgsql;

namespace Modular.Sessions;

/// <summary>Another module asks when users last signed in (<see cref="Contracts.FindLastSignIns"/>).</summary>
internal static class FindLastSignIns
{
    internal sealed class Handler(StoreDatabase database) : IRequestHandler<Contracts.FindLastSignIns, IReadOnlyDictionary<string, DateTimeOffset>>
    {
        public async Task<IReadOnlyDictionary<string, DateTimeOffset>> Handle(Contracts.FindLastSignIns query, CancellationToken ct)
        {
            var found = new Dictionary<string, DateTimeOffset>();
            if (query.UserIds.Count == 0)
                return found;
            await using var command = database.Pooled.CreateCommand("select user_id, at from sessions.last_sign_ins where user_id = any($1)");
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. query.UserIds] });
            await using var rows = await command.ExecuteReaderAsync(ct);
            while (await rows.ReadAsync(ct))
                found[rows.GetString(0)] = rows.GetFieldValue<DateTimeOffset>(1);
            return found;
        }
    }
}
