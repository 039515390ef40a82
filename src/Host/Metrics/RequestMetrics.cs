using System.Diagnostics.Metrics;

namespace Modular.Host.Metrics;

/// <summary>
/// How long requests take, under the framework's name but measured by us: behind the session check, which is answered
/// before and counted where it is (<c>modular.sessions.table.hits</c>).
/// </summary>
internal sealed class RequestMetrics(IMeterFactory meters)
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

    private readonly Histogram<double> duration = meters.Create("Modular.Host").CreateHistogram<double>(
        "http.server.request.duration", "s", "Requests by route, method and status, but for session checks that are answered first.");

    public bool IsOn => duration.Enabled;

    /// <summary>Labels that nobody can make up: the route as it was mapped, never the path, and no method but the known ones.</summary>
    public void Answered(HttpContext context, TimeSpan elapsed)
    {
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "";
        duration.Record(
            elapsed.TotalSeconds,
            new("http.request.method", Array.Find(Methods, method => method == context.Request.Method) ?? "_OTHER"),
            new("http.response.status_code", context.Response.StatusCode),
            new("http.route", route));
    }
}
