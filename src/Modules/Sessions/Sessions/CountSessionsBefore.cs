using MediatR;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Sessions;

/// <summary>How many sessions the operator is about to end: <c>sessions revoke --all</c> says so before it does.</summary>
internal static class CountSessionsBefore
{
    internal sealed class Handler(StoreDatabase database) : IRequestHandler<Contracts.CountSessionsBefore, long>
    {
        public async Task<long> Handle(Contracts.CountSessionsBefore query, CancellationToken ct)
        {
            await using var command = database.Pooled.CreateCommand("select count(*) from sessions.mt_doc_session where created_at < $1");
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = query.Moment.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            return await command.ExecuteScalarAsync(ct) is long count ? count : 0;
        }
    }
}
