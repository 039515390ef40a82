using Npgsql;
using NpgsqlTypes;

namespace Modular.Store;

/// <summary>Collects the statements of one unit of work: one batch, one round trip, one implicit transaction.</summary>
public sealed class StoreBatch
{
    private readonly Dictionary<NpgsqlBatchCommand, IStorageOperation> _writtenBy = [];
    private NpgsqlBatchCommand? _current;
    private IStorageOperation? _operation;

    internal StoreBatch(NpgsqlBatch batch) => Batch = batch;

    internal NpgsqlBatch Batch { get; }

    /// <summary>Adds a statement; its parameters <c>$1</c>, <c>$2</c>… follow in order.</summary>
    public StoreBatch Sql(string sql)
    {
        _current = new NpgsqlBatchCommand(sql);
        Batch.BatchCommands.Add(_current);
        if (_operation is not null)
            _writtenBy.Add(_current, _operation);
        return this;
    }

    /// <summary>The next parameter.</summary>
    public StoreBatch With<T>(T value, NpgsqlDbType type)
        where T : notnull
    {
        _current!.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
        return this;
    }

    public StoreBatch With(string? value) => value is null ? Null(NpgsqlDbType.Text) : With(value, NpgsqlDbType.Text);

    public StoreBatch With(long value) => With(value, NpgsqlDbType.Bigint);

    public StoreBatch With(int value) => With(value, NpgsqlDbType.Integer);

    public StoreBatch With(Guid value) => With(value, NpgsqlDbType.Uuid);

    public StoreBatch With(byte[]? value) => value is null ? Null(NpgsqlDbType.Bytea) : With(value, NpgsqlDbType.Bytea);

    public StoreBatch With(DateTimeOffset value) => With(value.UtcDateTime, NpgsqlDbType.TimestampTz);

    public StoreBatch With(DateTimeOffset? value) => value is { } time ? With(time) : Null(NpgsqlDbType.TimestampTz);

    /// <summary>A <c>jsonb</c> parameter from UTF-8 bytes.</summary>
    public StoreBatch WithJson(byte[] utf8) => With(utf8, NpgsqlDbType.Jsonb);

    /// <summary>A parameter whose type the server infers.</summary>
    public StoreBatch WithAny(object? value)
    {
        _current!.Parameters.Add(new NpgsqlParameter { Value = Plain(value) });
        return this;
    }

    /// <summary>
    /// A value for a column of a type that is written out in the statement (<c>$1::text</c>). A null gets the type that
    /// a value would have had: a statement stays prepared only for one set of parameter types.
    /// </summary>
    internal StoreBatch WithColumn(object? value, string pgType) =>
        Plain(value) is DBNull ? Null(TypeOfNull(pgType)) : WithAny(value);

    internal static object Plain(object? value) => value switch
    {
        null => DBNull.Value,
        DateTimeOffset time => time.UtcDateTime,
        Enum constant => constant.ToString(),
        _ => value,
    };

    internal void Write(IStorageOperation operation)
    {
        _operation = operation;
        operation.Write(this);
        _operation = null;
    }

    /// <summary>What a failure means, by the operation whose statement failed.</summary>
    internal Exception? Explain(PostgresException failure)
    {
        if (failure.BatchCommand is { } command && _writtenBy.TryGetValue((NpgsqlBatchCommand)command, out var operation)
            && operation.Explain(failure) is { } known)
            return known;
        return failure.SqlState switch
        {
            PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ExclusionViolation =>
                new DocumentAlreadyExistsException(failure.ConstraintName ?? "", failure.TableName ?? "", failure),
            PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure =>
                new TransactionGaveWayException(failure),
            ExpectationFailed => new ConcurrencyException(failure.MessageText, failure),
            _ => null,
        };
    }

    /// <summary>Raised by <c>store.expect</c> when a conditional statement touched the wrong number of rows.</summary>
    internal const string ExpectationFailed = "MT001";

    /// <summary>Raised by <c>store.refuse_older</c> when a stream has been appended to by a younger transaction.</summary>
    internal const string TransactionTooOld = "MT002";

    // What is written as text (jsonb, inet…) has no entry here.
    private static NpgsqlDbType TypeOfNull(string pgType) => pgType switch
    {
        "boolean" or "bool" => NpgsqlDbType.Boolean,
        "integer" or "int" or "int4" => NpgsqlDbType.Integer,
        "bigint" or "int8" => NpgsqlDbType.Bigint,
        "uuid" => NpgsqlDbType.Uuid,
        "bytea" => NpgsqlDbType.Bytea,
        "timestamptz" or "timestamp with time zone" => NpgsqlDbType.TimestampTz,
        _ => NpgsqlDbType.Text,
    };

    private StoreBatch Null(NpgsqlDbType type)
    {
        _current!.Parameters.Add(new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = type });
        return this;
    }
}
