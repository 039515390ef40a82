using System.Data;
using Npgsql;

namespace Modular.Store;

/// <summary>
/// One statement on a connection of its own. One that only reads (it begins with <c>select</c>; ours then do) is sent
/// again when its connection breaks; one that writes is not, because nobody knows whether it was executed.
/// </summary>
public sealed class PooledCommand : IAsyncDisposable
{
    private const int MostRuns = 4;

    private readonly PooledConnections? _connections;
    private NpgsqlCommand _command;

    internal PooledCommand(PooledConnections connections, string sql) => (_connections, _command) = (connections, new NpgsqlCommand(sql));

    /// <summary>On a connection that is open already and stays so: run once, as it is.</summary>
    public PooledCommand(NpgsqlConnection connection, string sql) => _command = new NpgsqlCommand(sql, connection);

    public string CommandText
    {
        get => _command.CommandText;
        set => _command.CommandText = value;
    }

    public NpgsqlParameterCollection Parameters => _command.Parameters;

    private bool OnlyReads => _command.CommandText.AsSpan().TrimStart().StartsWith("select", StringComparison.OrdinalIgnoreCase);

    /// <summary>The connection is closed with the reader.</summary>
    public Task<NpgsqlDataReader> ExecuteReaderAsync(CancellationToken ct = default) => ExecuteReaderAsync(CommandBehavior.Default, ct);

    /// <inheritdoc cref="ExecuteReaderAsync(CancellationToken)"/>
    public Task<NpgsqlDataReader> ExecuteReaderAsync(CommandBehavior behavior, CancellationToken ct = default) => Run(
        (command, isOwn, ct) => command.ExecuteReaderAsync(isOwn ? behavior | CommandBehavior.CloseConnection : behavior, ct), staysOpen: true, ct);

    public Task<object?> ExecuteScalarAsync(CancellationToken ct = default) =>
        Run(static (command, _, ct) => command.ExecuteScalarAsync(ct), staysOpen: false, ct);

    public Task<int> ExecuteNonQueryAsync(CancellationToken ct = default) =>
        Run(static (command, _, ct) => command.ExecuteNonQueryAsync(ct), staysOpen: false, ct);

    public ValueTask DisposeAsync() => _command.DisposeAsync();

    private async Task<T> Run<T>(Func<NpgsqlCommand, bool, CancellationToken, Task<T>> execute, bool staysOpen, CancellationToken ct)
    {
        if (_connections is null)
            return await execute(_command, false, ct);
        var onlyReads = OnlyReads;
        for (var run = 1; ; run++)
        {
            var connection = await _connections.Open(mustLive: !onlyReads, ct);
            var isDone = false;
            try
            {
                _command.Connection = connection;
                var result = await execute(_command, true, ct);
                isDone = true;
                _connections.Works();
                return result;
            }
            catch (Exception failure) when (MayRunAgain(failure, onlyReads) && run < MostRuns)
            {
                // On another connection, by another object: this one remembers how it was prepared on the first.
                _command = _command.Clone();
            }
            catch (Exception failure) when (!onlyReads && Outage.IsBroken(failure))
            {
                throw new OutcomeUnknownException(failure);
            }
            finally
            {
                if (!isDone || !staysOpen)
                    await connection.DisposeAsync();
            }
        }
    }

    private bool MayRunAgain(Exception failure, bool onlyReads) =>
        _connections!.Learn(failure) || (onlyReads && Outage.IsBroken(failure));
}
