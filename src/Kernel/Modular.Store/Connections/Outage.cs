using System.Net.Sockets;
using Npgsql;

namespace Modular.Store;

/// <summary>What a failure says about the way to the database.</summary>
public static class Outage
{
    // Neon's proxy says these with states that mean nothing or something else.
    private static readonly string[] WakingUp =
        ["control plane", "compute node", "endpoint is idle", "endpoint to become active", "is suspended", "database connection attempts are currently ongoing"];

    /// <summary>A connection could not be opened, and the next attempt may: refused, cut off, still starting, waking up, too many.</summary>
    public static bool MayPass(Exception failure) => failure switch
    {
        PostgresException refused => IsPassingState(refused.SqlState)
            || WakingUp.Any(sign => refused.MessageText.Contains(sign, StringComparison.OrdinalIgnoreCase)),
        // A name that nobody knows is a mistake in the address.
        SocketException socket => socket.SocketErrorCode is not SocketError.HostNotFound and not SocketError.NoData,
        // Our own pool has no connection left: another attempt would only wait as long again.
        NpgsqlException { Message: var said } when said.Contains("pool has been exhausted", StringComparison.Ordinal) => false,
        IOException or TimeoutException => true,
        NpgsqlException { InnerException: { } cause } => MayPass(cause),
        _ => false,
    };

    /// <summary>The connection is gone, whether or not what was sent on it has been done.</summary>
    public static bool IsBroken(Exception failure) => failure switch
    {
        PostgresException ended => IsPassingState(ended.SqlState) && ended.SqlState != PostgresErrorCodes.TooManyConnections,
        NpgsqlException { InnerException: { } cause } => cause is IOException or SocketException || IsBroken(cause),
        _ => false,
    };

    /// <summary>The connection broke while something was read on it: nothing is unknown but the rest of the answer.</summary>
    public static bool WasReading(Exception failure) => failure is not OutcomeUnknownException && IsBroken(failure);

    /// <summary>
    /// A statement that was prepared on one server connection met another, as behind a transaction pooler: it was not
    /// executed, and nothing of its transaction is stored.
    /// </summary>
    public static bool IsForgottenStatement(Exception failure) =>
        failure is PostgresException { SqlState: PostgresErrorCodes.InvalidSqlStatementName or PostgresErrorCodes.DuplicatePreparedStatement };

    private static bool IsPassingState(string state) =>
        state.StartsWith("08", StringComparison.Ordinal)
        || state is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
            or PostgresErrorCodes.TooManyConnections;
}

/// <summary>A connection broke while a statement that writes was under way on it: nobody knows whether it was executed.</summary>
public sealed class OutcomeUnknownException(Exception cause) : NpgsqlException(cause.Message, cause);
