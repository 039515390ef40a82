using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Kernel;

/// <summary>
/// Who is asking, and from where: one per request. <see cref="CallerExtensions.UseCaller"/> fills in the address, the
/// user agent and the request id; whoever resolves the session fills in the rest. Events take their metadata from it.
/// </summary>
public sealed class Caller
{
    private Func<string?>? presented;

    /// <summary>Null: signed out.</summary>
    public string? UserId { get; set; }

    public string? SessionId { get; set; }

    /// <summary>The organization this request acts in.</summary>
    public string? OrganizationId { get; set; }

    public IReadOnlyList<string> Roles { get; set; } = [];

    /// <summary>Whom a path means: <c>me</c> is whoever is signed in.</summary>
    public string Named(string id) => id == "me" && UserId is { } own ? own : id;

    /// <summary>IPv4, or an IPv6 network of 64 bits; null when unknown (contract §2.2).</summary>
    public string? IpAddress { get; set; }

    /// <summary>At most 512 characters; null when the header is absent.</summary>
    public string? UserAgent { get; set; }

    /// <summary>The bare token of the session that the request came with, whatever became of that session; null: none.</summary>
    public string? PresentedToken => presented?.Invoke();

    /// <summary>The trace id: the one in logs and in answers with status 500.</summary>
    public string RequestId { get; set; } = "";

    /// <summary>The same caller acts in another scope: long work commits in several.</summary>
    public void ActIn(IServiceProvider scope)
    {
        var other = scope.GetRequiredService<Caller>();
        (other.UserId, other.SessionId, other.OrganizationId, other.Roles) = (UserId, SessionId, OrganizationId, Roles);
        (other.IpAddress, other.UserAgent, other.RequestId) = (IpAddress, UserAgent, RequestId);
    }

    internal void Present(Func<string?> token) => presented = token;

    /// <summary>Puts the caller into the metadata of the events of this scope.</summary>
    internal void Describe(EventMetadata metadata)
    {
        metadata.Actor = UserId;
        metadata.SessionId = SessionId;
        metadata.OrganizationId = OrganizationId;
        metadata.IpAddress = IpAddress;
        metadata.UserAgent = UserAgent;
        metadata.CorrelationId = RequestId.Length == 0 ? null : RequestId;
    }
}

/// <summary>Fills in <see cref="Caller"/> from the request.</summary>
public static class CallerExtensions
{
    private const int LongestUserAgent = 512;

    /// <summary>To be called right after <see cref="Problems.UseProblems"/>.</summary>
    public static IApplicationBuilder UseCaller(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<IOptions<AuthOptions>>().Value;
        var cookies = app.ApplicationServices.GetRequiredService<SessionCookies>();
        return app.Use((context, next) =>
        {
            var caller = context.RequestServices.GetRequiredService<Caller>();
            caller.IpAddress = AddressOf(context, options);
            caller.UserAgent = UserAgent(context.Request);
            caller.RequestId = TraceId(context);
            caller.Present(() => cookies.ReadToken(context));
            return next(context);
        });
    }

    internal static string? AddressOf(HttpContext context, AuthOptions options) => Display(ClientOf(context, options));

    internal static IPAddress? ClientOf(HttpContext context, AuthOptions options) => options.ForwardedFor || options.ProxyNetworks.Count > 0
        ? ClientAddress(context.Connection.RemoteIpAddress, Forwarded(context.Request, options), options)
        : Plain(context.Connection.RemoteIpAddress);

    /// <summary>The trace of whoever called, or one of the request's own.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;

    /// <summary>
    /// The connection's address unless proxies are trusted. With <see cref="AuthOptions.TrustedProxies"/> the header is read
    /// from the right, each hop believed only while the one before it is a trusted proxy: what a client wrote itself stays
    /// unread. With <see cref="AuthOptions.ForwardedFor"/> alone only a header of one address counts.
    /// </summary>
    internal static IPAddress? ClientAddress(IPAddress? remote, string? forwarded, AuthOptions options)
    {
        var client = Plain(remote);
        var hops = forwarded?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        if (options.ProxyNetworks.Count == 0)
            return options.ForwardedFor && hops.Length == 1 && Parse(hops[0]) is { } only ? only : client;

        for (var at = hops.Length - 1; at >= 0 && client is not null && options.ProxyNetworks.Any(network => network.Contains(client)); at--)
        {
            if (Parse(hops[at]) is not { } hop)
                break;
            client = hop;
        }

        return client;
    }

    /// <summary>IPv6 is cut to the 64 bits a subscriber has; the loopback address stays readable.</summary>
    internal static string? Display(IPAddress? address)
    {
        if (Plain(address) is not { AddressFamily: AddressFamily.InterNetworkV6 } v6 || IPAddress.IsLoopback(v6))
            return Plain(address)?.ToString();
        var bytes = v6.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes).ToString();
    }

    private static string? Forwarded(HttpRequest request, AuthOptions options) =>
        options.ForwardedFor || options.ProxyNetworks.Count > 0 ? string.Join(',', request.Headers[options.IpAddressHeader].ToArray()) : null;

    private static IPAddress? Plain(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;

    // Some proxies add the port: 1.2.3.4:5678 and [2001:db8::1]:5678.
    private static IPAddress? Parse(string hop) => IPEndPoint.TryParse(hop, out var endpoint) ? Plain(endpoint.Address) : null;

    private static string? UserAgent(HttpRequest request) => Shortened(request.Headers.UserAgent.ToString());

    internal static string? Shortened(string text) =>
        text.Length switch { 0 => null, > LongestUserAgent => text[..LongestUserAgent], _ => text };
}
