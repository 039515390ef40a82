using System.Diagnostics;
using Modular.Host.Metrics;
using Modular.Kernel;

namespace Modular.Host;

/// <summary>
/// One line per request, in the place of the framework's, which write the address as it came: with the token of a link in
/// its path, the code of a sign-in in its query. Those are off at every level and whatever the configuration says, or a
/// log would be as good as a mailbox.
/// </summary>
internal static partial class RequestLog
{
    /// <summary>What its lines are filtered by: <c>Logging:LogLevel:Modular.Requests</c>.</summary>
    public const string Category = "Modular.Requests";

    // Found by SecrecyTests, which looks at everything that is written at Trace.
    private static readonly string[] Outspoken =
    [
        "Microsoft.AspNetCore.Hosting.Diagnostics",
        "Microsoft.AspNetCore.Routing.Matching",
        // Tells nothing secret, but twice per request what is told once here.
        "Microsoft.AspNetCore.Routing.EndpointMiddleware",
    ];

    public static void AddRequestLog(this IServiceCollection services)
    {
        // After everything that is configured, and once per provider: a rule for one provider is stronger than one for all.
        services.AddOptions<LoggerFilterOptions>().PostConfigure<IConfiguration>((options, from) =>
        {
            var isTraced = from.GetSection("Auth").GetValue(nameof(AuthOptions.Debug), false);
            var providers = options.Rules.Select(rule => rule.ProviderName).Append(null).Distinct().ToList();
            foreach (var provider in providers)
            {
                foreach (var category in Outspoken)
                    options.Rules.Add(new LoggerFilterRule(provider, category, LogLevel.None, filter: null));
                if (isTraced)
                    options.Rules.Add(new LoggerFilterRule(provider, AuthTrace.Category, LogLevel.Information, filter: null));
            }
        });
    }

    /// <summary>To be called first.</summary>
    public static void UseRequestLog(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Category);
        var clock = app.Services.GetRequiredService<TimeProvider>();
        var metrics = app.Services.GetRequiredService<RequestMetrics>();
        app.Use(async (context, next) =>
        {
            using var trace = Activity.Current is null ? Trace(context.Request.Headers) : null;
            var isLogged = log.IsEnabled(LogLevel.Information);
            if (!isLogged && !metrics.IsOn)
            {
                await next(context);
                return;
            }

            var began = clock.GetTimestamp();
            try
            {
                await next(context);
            }
            finally
            {
                var elapsed = clock.GetElapsedTime(began);
                metrics.Answered(context, elapsed);
                if (isLogged)
                {
                    Answered(log, context.Request.Method, LoggedPath.Of(context), context.Response.StatusCode,
                        elapsed.TotalMilliseconds, CallerExtensions.TraceId(context));
                }
            }
        });
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Method} {Path} {Status} in {Elapsed:F1} ms, trace {TraceId}")]
    private static partial void Answered(ILogger log, string method, string path, int status, double elapsed, string traceId);

    // The trace of whoever called (traceparent), or a new one. Not the framework's: it begins one for every request or for
    // none, and what is answered before this needs none; where somebody listens to the framework's, that one is there.
    private static Activity Trace(IHeaderDictionary headers)
    {
        var trace = new Activity("Modular.Request");
        DistributedContextPropagator.Current.ExtractTraceIdAndState(headers, Header, out var parent, out var state);
        if (!string.IsNullOrEmpty(parent))
        {
            trace.SetParentId(parent);
            trace.TraceStateString = string.IsNullOrEmpty(state) ? null : state;
        }

        return trace.Start();
    }

    private static void Header(object? carrier, string name, out string? value, out IEnumerable<string>? values) =>
        (value, values) = (((IHeaderDictionary)carrier!)[name], null);
}
