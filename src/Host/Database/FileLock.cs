namespace Modular.Host.Database;

/// <summary>
/// A lock between processes on a file of its own. The kernel releases it with the process, however that ends;
/// children do not inherit it (flock on a descriptor that closes on exec; on Windows the share mode of the handle).
/// </summary>
internal sealed class FileLock : IDisposable
{
    private const int SharingViolation = unchecked((int)0x80070020);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    public static FileLock? TryExclusive(string path) => TryOpen(path, FileAccess.ReadWrite, FileShare.None);

    public static FileLock? TryShared(string path) => TryOpen(path, FileAccess.Read, FileShare.Read);

    public static async Task<FileLock> ExclusiveAsync(string path, Action waiting, CancellationToken ct)
    {
        var since = TimeProvider.System.GetTimestamp();
        for (var attempt = 0; ; attempt++)
        {
            if (TryExclusive(path) is { } taken)
                return taken;
            if (attempt == 20)
                waiting();
            if (TimeProvider.System.GetElapsedTime(since) > Patience)
                throw new DatabaseSetupException($"Another process has held {path} for {Patience.TotalMinutes} minutes.");
            await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
        }
    }

    public void Dispose() => _file.Dispose();

    private static FileLock? TryOpen(string path, FileAccess access, FileShare share)
    {
        try
        {
            return new FileLock(new FileStream(path, FileMode.OpenOrCreate, access, share, bufferSize: 0));
        }
        catch (IOException e) when (e.HResult is SharingViolation or /* EWOULDBLOCK: Linux, macOS */ 11 or 35)
        {
            return null;
        }
    }
}
