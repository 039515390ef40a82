using System.Globalization;
using Modular.Store;
using Npgsql;

namespace Modular.Host.Database;

/// <summary>For how long a database may be away or asleep.</summary>
/// <param name="OfStart">A start waits for it.</param>
/// <param name="OfRequests">A request waits for it, counted from when the first one did not reach it.</param>
internal sealed record DatabasePatience(TimeSpan OfStart, TimeSpan OfRequests)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    public static DatabasePatience Read(IConfiguration configuration) => new(
        Time(configuration, "Modular:DatabasePatience", TimeSpan.FromSeconds(30)),
        Time(configuration, "Modular:RequestPatience", TimeSpan.FromSeconds(10)));

    /// <summary>Waits until both addresses can be connected to.</summary>
    public async Task Reach(DatabaseAddress address, Action<string> say)
    {
        var started = TimeProvider.System.GetTimestamp();
        var hasSaid = false;
        foreach (var connectionString in new[] { address.Direct, address.Pooled }.Distinct())
        {
            for (var pause = Shortest; ; pause = pause * 2 < Longest ? pause * 2 : Longest)
            {
                try
                {
                    await using var connection = new NpgsqlConnection(
                        new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
                    await connection.OpenAsync();
                    // A pooler is there before the database behind it is.
                    await using var ask = new NpgsqlCommand("select 1", connection);
                    await ask.ExecuteScalarAsync();
                    break;
                }
                catch (Exception failure) when ((Outage.MayPass(failure) || Outage.IsBroken(failure))
                    && TimeProvider.System.GetElapsedTime(started) + pause < OfStart)
                {
                    if (!hasSaid)
                        say($"Waiting up to {OfStart.TotalSeconds:0.#} s for the database: {failure.Message}");
                    hasSaid = true;
                    await Task.Delay(pause);
                }
            }
        }

        if (hasSaid)
            say($"The database answers after {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.0} s.");
    }

    private static TimeSpan Time(IConfiguration configuration, string key, TimeSpan usual)
    {
        if (configuration[key] is not { Length: > 0 } value)
            return usual;
        return TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.Zero && time <= TimeSpan.FromHours(1)
            ? time
            : throw new DatabaseSetupException($"{key} must be a duration up to an hour as 0:00:30, it is '{value}'.");
    }
}
