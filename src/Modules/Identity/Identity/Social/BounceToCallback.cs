using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// A provider answers by a form (<c>response_mode=form_post</c>): <c>POST /api/auth/callback/{provider}</c>. Sent on as a GET, to
/// which a browser adds the cookies that a form from elsewhere comes without (contract §6.4).
/// </summary>
internal static class BounceToCallback
{
    private static readonly string[] Names = ["code", "error", "device_id", "error_description", "state", "user", "iss"];

    internal sealed record Request(IReadOnlyList<(string Name, string? Value)> Parameters) : IWireInput<Request>
    {
        // What the query says wins.
        public static Request Read(WireBody body) => new(
            [.. Names.Select(name => (name, (body.OptionalString(name), body.Query.OptionalString(name)) is var (own, query) ? query ?? own : null))]);
    }

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app.MapAuthPost(
            "/callback/{provider}",
            new AuthPost { AcceptsForm = true, BodyOptional = true },
            (string provider, Request request, HttpContext context, ProviderFlow flow) =>
                WireJson.Redirect(QueryText.Append(flow.RedirectUri(context, Uri.EscapeDataString(provider)), request.Parameters)));
    }
}
