using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Host;

/// <summary>
/// Says once, when the first request comes through a proxy that nobody has named: all clients would share that proxy's
/// address, in rate limits and in the audit log.
/// </summary>
internal static partial class UntrustedProxy
{
    public static void WarnOfUntrustedProxy(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<AuthOptions>>().Value;
        if (options.ForwardedFor || options.TrustedProxies.Count > 0)
            return;
        var told = 0;
        app.Use((context, next) =>
        {
            if (Volatile.Read(ref told) == 0 && context.Request.Headers.ContainsKey(options.IpAddressHeader) && Interlocked.Exchange(ref told, 1) == 0)
                Comes(app.Logger, options.IpAddressHeader);
            return next(context);
        });
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A request came with {Header}, which is not believed: if a proxy of yours stands in front, name it in Auth:TrustedProxies, or all clients share its address")]
    private static partial void Comes(ILogger log, string header);
}
