using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;
using Npgsql;

namespace Modular.Audit;

/// <summary>How long the log is kept.</summary>
internal sealed class RetentionOptions
{
    /// <summary>Null: for ever.</summary>
    public TimeSpan? Retention { get; set; }

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Audit");
        Retention = section.GetValue(nameof(Retention), Retention);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class RetentionOptionsValidation : IValidateOptions<RetentionOptions>
{
    private static readonly TimeSpan Shortest = TimeSpan.FromDays(1);

    public ValidateOptionsResult Validate(string? name, RetentionOptions options) => options.Retention is null || options.Retention >= Shortest
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail("Audit:Retention must be at least a day.");
}

/// <summary>Sends <see cref="ShortenLog"/> every hour, on whichever node comes first, and drops what was found by the dropped.</summary>
internal sealed class RetentionSweep(
    StoreDatabase database, LogBoundaries boundaries, IOptions<RetentionOptions> options, IServiceScopeFactory scopes, TimeProvider clock, ILogger<RetentionSweep> log)
    : HourlySweep("The audit log could not be shortened", clock, log)
{
    private const int ChunkRows = 5_000;

    protected override TimeSpan First => TimeSpan.FromMinutes(3);

    protected override bool IsOn => options.Value.Retention is not null;

    /// <summary>Everything that is due: how many partitions; null when another node is at it.</summary>
    public async Task<int?> Sweep(CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        await using var hold = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('audit/retention', 0))", connection);
        if (await hold.ExecuteScalarAsync(ct) is not true)
            return null;
        var dropped = 0;
        while (await Shorten(ct))
            dropped++;
        await ForgetRows((await boundaries.Last(ct)).Position, ct);
        return dropped;
    }

    protected override Task SweepAll(CancellationToken ct) => Sweep(ct);

    private async Task<bool> Shorten(CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ShortenLog.Command(), ct);
    }

    private async Task ForgetRows(long end, CancellationToken ct)
    {
        for (var removed = ChunkRows; removed == ChunkRows;)
        {
            await using var command = database.Pooled.CreateCommand(
                $"delete from audit.search where position = any (array(select position from audit.search where position < $1 order by position limit {ChunkRows}))");
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
            removed = await command.ExecuteNonQueryAsync(ct);
        }
    }
}

/// <summary>What retention needs of the container and of the store.</summary>
internal static class RetentionRegistration
{
    public static void AddRetention(this IServiceCollection services)
    {
        services.AddOptions<RetentionOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RetentionOptions>, RetentionOptionsValidation>());
        services.AddSingleton<LogBoundaries>();
        services.AddSingleton<BoundaryCheck>();
        services.AddSingleton<RetentionSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<RetentionSweep>());
    }

    public static void StoreRetention(this StoreOptions store)
    {
        store.Events.MapEventType<LogShortened>(ShortenLog.EventName);
        store.Storage.Script("020-retention", RetentionSchema.Sql);
        store.Storage.Script("021-boundaries-refuse", RetentionSchema.Refuse);
    }
}
