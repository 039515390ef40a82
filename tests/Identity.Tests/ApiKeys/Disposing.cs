using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>A server of one test's own, stopped with it.</summary>
internal sealed class Disposing(App app) : IAsyncDisposable
{
    public App App => app;

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}

internal static class DisposingExtensions
{
    public static async Task<Disposing> Disposing(this Task<App> starting) => new(await starting);

    public static async Task<Disposing> Disposing(this App app, bool start)
    {
        if (start)
            await app.InitializeAsync();
        return new(app);
    }
}
