namespace Modular.Host.CommandLine;

/// <summary>
/// The real time, unless it is put back: what the seed tells has happened before, and office sessions that are over were asked
/// for in their time or not at all. From where it is put it runs on.
/// </summary>
internal sealed class SeedClock : TimeProvider
{
    private TimeSpan _behind;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - _behind;

    public void PutTo(DateTimeOffset at) => _behind = System.GetUtcNow() - at;

    public void PutRight() => _behind = TimeSpan.Zero;
}
