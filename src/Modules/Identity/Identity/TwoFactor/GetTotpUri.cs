using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user sees their authenticator's QR code again: <c>POST /api/auth/two-factor/get-totp-uri</c>.</summary>
internal static class GetTotpUri
{
    internal sealed record Request(string Password) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("password"));
    }

    internal sealed record Command(string UserId, string Password, string BaseUrl) : IRequest<Outcome<string>>;

    internal sealed record Response([property: JsonPropertyName("totpURI")] string TotpUri);

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/two-factor/get-totp-uri", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.Password, address.For(context).ToString()), ct);
                return outcome.ToHttp(uri => WireJson.Ok(new Response(uri)));
            })
            .RequireSession()
            .WithName(nameof(GetTotpUri))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(IDocumentSession store, OwnPassword own, AuthenticatorKeys keys) : IRequestHandler<Command, Outcome<string>>
    {
        public async Task<Outcome<string>> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            if (keys.Open(user.Id, (await store.LoadAsync<Authenticator>(user.Id, ct))?.Latest) is not { } secret)
                return CodeCheck.NoApp;
            return await own.Check(user.Id, command.Password, "get_totp_uri", OwnPassword.Wrong, ct) is { Refusal: { } refusal }
                ? refusal
                : keys.Uri(secret, null, user.Email, command.BaseUrl);
        }
    }
}
