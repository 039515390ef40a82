using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user sets up a second factor: <c>POST /api/auth/two-factor/enable</c>. An authenticator app is in force once a code
/// of it was shown (<see cref="VerifyTotp"/>); mailed codes are at once.
/// </summary>
internal static class EnableTwoFactor
{
    internal sealed record Request(string Password, string? Method, string? Issuer) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.RequiredString("password"), body.OptionalOneOf("method", "otp", "totp"), body.OptionalString("issuer"));
    }

    internal sealed record Command(Asker Asker, string Password, bool ByMail, string? Issuer) : IRequest<Outcome<Enabled>>, IIdempotent;

    internal sealed record Enabled(StartedSession? Session, string? TotpUri, IReadOnlyList<string>? BackupCodes);

    internal sealed record Response(
        string Method,
        [property: JsonPropertyName("totpURI"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TotpUri,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? BackupCodes);

    internal sealed class Endpoint(SecondFactorCookies factor, SessionCookies cookies, PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/two-factor/enable", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var asker = await Asker.Of(context, factor, cookies, address);
                var outcome = await mediator.Send(new Command(asker, request.Password, request.Method == SecondFactor.Otp, request.Issuer), ct);
                return outcome.ToHttp(enabled =>
                {
                    if (enabled.Session is { } session)
                        cookies.Start(context, session.Token, session.CookieLifetime);
                    return WireJson.Ok(new Response(request.Method ?? SecondFactor.Totp, enabled.TotpUri, enabled.BackupCodes));
                });
            })
            .RequireSession()
            .WithName(nameof(EnableTwoFactor))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(IDocumentSession store, OwnPassword own, TwoFactorSwitch factor, AuthenticatorKeys keys, Mailer mailer, TimeProvider clock)
        : IRequestHandler<Command, Outcome<Enabled>>
    {
        public async Task<Outcome<Enabled>> Handle(Command command, CancellationToken ct)
        {
            var session = command.Asker.Session!;
            var stream = await store.Events.FetchForWriting<User>(session.UserId, ct);
            if (stream.Aggregate is not { } user)
                return Refusal.Unauthorized();
            if (await own.Check(user.Id, command.Password, "enable_two_factor", OwnPassword.Wrong, ct) is { Refusal: { } refusal })
                return refusal;
            if (command.ByMail)
            {
                if (!mailer.IsOn)
                    return CodeCheck.NoMail;
                await factor.TurnOn(stream, user, SecondFactor.Otp, command.Asker.BaseUrl);
                return await factor.Replace(session, command.Asker.Remember, "two_factor_enabled", ct) is { } started
                    ? new Enabled(started, null, null)
                    : Refusal.Unauthorized();
            }

            var (key, secret, codes) = keys.Make(user.Id);
            store.Store(Authenticator.Prepare(await store.LoadAsync<Authenticator>(user.Id, ct), user.Id, key));
            stream.AppendOne(new TwoFactorPrepared(user.Id, User.Now(clock)));
            return new Enabled(null, keys.Uri(secret, command.Issuer, user.Email, command.Asker.BaseUrl), codes);
        }
    }
}
