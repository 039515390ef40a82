namespace Modular.Host.Database;

/// <summary>Whether statements are prepared on the connections of units of work, decided once at the start.</summary>
/// <param name="IsOn">They are.</param>
/// <param name="Why">A sentence for the log.</param>
internal sealed record Preparing(bool IsOn, string Why)
{
    public static readonly Preparing Embedded = new(true, "Statements are prepared: the embedded PostgreSQL keeps them.");

    private const string Key = "Modular:PrepareStatements";

    /// <summary>Each connection has to show again what was seen.</summary>
    public bool OnlyWithoutPooler { get; private init; }

    /// <param name="configuration">May say it.</param>
    /// <param name="address">Where the connections lead.</param>
    /// <param name="direct">What the direct address was seen to lead to.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<Preparing> Decide(IConfiguration configuration, DatabaseAddress address, Between direct, CancellationToken ct = default)
    {
        switch (configuration[Key]?.ToLowerInvariant())
        {
            case null or "auto":
                break;
            case "true":
                return new(true, $"Statements are prepared: {Key} says so.");
            case "false":
                return new(false, $"Statements are not prepared: {Key} says so.");
            case var other:
                throw new DatabaseSetupException($"{Key} must be auto, true or false, it is '{other}'.");
        }

        if ((address.Pooled == address.Direct ? direct : await PoolerProbe.Look(address.Pooled, ct)) == Between.Nothing)
            return new(true, "Statements are prepared: connections lead to PostgreSQL itself.") { OnlyWithoutPooler = true };
        return await PoolerProbe.KeepsStatements(address.Pooled, ct)
            ? new(true, "Statements are prepared: the pooler between keeps them.")
            : new(false, $"Statements are not prepared: nothing shows that what stands between keeps them. Everything works, slower; {Key}=true overrules this.");
    }
}
