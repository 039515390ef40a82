using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>
/// Routes below <c>/api/adapter</c> (DESIGN §10): what an Auth.js adapter asks of us, authorised by <c>Adapter:ApiKey</c> and
/// by nothing else. Everything is a POST whose body names what is meant, because identifiers may hold any character. The
/// answer is <c>{"data": …}</c>, and null in it says that there is no such thing: no other answer may be taken for that.
/// </summary>
public static class AdapterRoutes
{
    private const string Prefix = "/api/adapter";

    /// <summary>Maps a POST; without a key configured it answers as an unknown path does, and no description lists it.</summary>
    public static RouteHandlerBuilder MapAdapter(this IEndpointRouteBuilder app, string path, Delegate handler)
    {
        var route = app.MapPost(Prefix + path, handler).WithTags("adapter")
            .Produces(StatusCodes.Status200OK, contentType: "application/json")
            .ProducesProblem(StatusCodes.Status401Unauthorized);
        // Around the whole endpoint: whoever has no key is told so before anything of the request is read.
        route.Finally(endpoint =>
        {
            var gate = endpoint.ApplicationServices.GetRequiredService<AdapterGate>();
            if (!gate.IsOpen)
                endpoint.Metadata.Add(new AuthGroup.Hidden());
            var handle = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => gate.Pass(context, handle);
        });
        return route;
    }

    /// <summary>The answer of a route that found, or did, something; null: there is no such thing.</summary>
    public static IResult Answer(object? data) => WireJson.Ok(new { Data = data });

    /// <summary>Whether a text can be stored or looked up at all; what cannot names nothing.</summary>
    public static bool IsStorable(string? text) => text is null || !text.Contains('\0');
}

/// <summary>Lets in whoever shows a key, and takes their word on whom they speak for.</summary>
internal sealed class AdapterGate(IOptions<AdapterOptions> options, IMeterFactory meters)
{
    /// <summary>Headers in which an application names its visitor.</summary>
    public const string VisitorAddress = "X-Visitor-IP", VisitorAgent = "X-Visitor-User-Agent";

    private const string Scheme = "Bearer ";

    private readonly Counter<long> refused = meters.Create("Modular.Kernel")
        .CreateCounter<long>("modular.adapter.refused", "{request}", "Requests of an adapter without a right key.");

    public bool IsOpen => options.Value.ApiKey is not null;

    public Task Pass(HttpContext context, RequestDelegate next)
    {
        if (!IsOpen)
            return Refusal.NotFound().ToHttp().ExecuteAsync(context);
        context.Response.Headers.CacheControl = "no-store";
        if (!IsKey(context.Request.Headers.Authorization.ToString()))
        {
            refused.Add(1);
            context.RequestServices.GetRequiredService<RefusedRequests>().Count(RefusedKind.AdapterKey, context);
            return Refusal.Unauthorized().ToHttp().ExecuteAsync(context);
        }

        Introduce(context.RequestServices.GetRequiredService<Caller>(), context.Request);
        return next(context);
    }

    // Every key is compared, each in the same time: neither how much of a guess is right nor which key it nearly is shows.
    private bool IsKey(string header)
    {
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return false;
        var given = SHA256.HashData(Encoding.UTF8.GetBytes(header[Scheme.Length..].Trim()));
        return options.Value.KeyHashes.Aggregate(false, (isKnown, hash) => CryptographicOperations.FixedTimeEquals(hash, given) | isKnown);
    }

    // The connection is the application's: its address and agent say nothing of the visitor, so without a word of theirs
    // both are unknown.
    private static void Introduce(Caller caller, HttpRequest request)
    {
        caller.IpAddress = CallerExtensions.Display(IPAddress.TryParse(request.Headers[VisitorAddress].ToString(), out var address) ? address : null);
        caller.UserAgent = CallerExtensions.Shortened(request.Headers[VisitorAgent].ToString());
    }
}
