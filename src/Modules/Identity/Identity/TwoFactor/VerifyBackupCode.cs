using System.Text.Json.Serialization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody uses up one of their backup codes: <c>POST /api/auth/two-factor/verify-backup-code</c>.</summary>
internal static class VerifyBackupCode
{
    private const string Method = "backup_code";

    internal sealed record Request(string Code, bool? DisableSession, bool? TrustDevice) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            body.RequiredString("code"), body.OptionalBool("disableSession"), body.OptionalBool("trustDevice"));
    }

    internal sealed record Command(Asker Asker, string Code, bool StartsSession, bool Trust) : IRequest<Outcome<CodeAccepted>>, IIdempotent;

    internal sealed record Response([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Token, SessionPrincipal User);

    internal static readonly Refusal NotEnabled = Refusal.BadRequest("BACKUP_CODES_NOT_ENABLED", "Backup codes aren't enabled");

    internal static readonly Refusal Invalid = Refusal.Unauthorized("INVALID_BACKUP_CODE", "Invalid backup code");

    internal sealed class Endpoint(SecondFactorCookies factor, SessionCookies cookies, PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/two-factor/verify-backup-code", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var asker = await Asker.Of(context, factor, cookies, address);
                var outcome = await mediator.Send(
                    new Command(asker, request.Code, !(request.DisableSession ?? false), request.TrustDevice ?? false), ct);
                if (outcome.Refusal == CodeCheck.TooMany)
                    factor.EndChallenge(context);
                return outcome.ToHttp(accepted =>
                {
                    factor.Passed(context, accepted);
                    var own = asker.Session is null ? null : cookies.ReadToken(context);
                    return WireJson.Ok(new Response(accepted.Session?.Token ?? own, accepted.User));
                });
            })
            .WithName(nameof(VerifyBackupCode))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(IDocumentSession store, CodeCheck check, BackupCodes codes) : IRequestHandler<Command, Outcome<CodeAccepted>>
    {
        public async Task<Outcome<CodeAccepted>> Handle(Command command, CancellationToken ct)
        {
            var found = await check.Find(command.Asker, ct);
            if (found.Refusal is { } unknown)
                return unknown;
            var asked = found.Answer;
            if (await store.LoadAsync<Authenticator>(asked.User.Id, ct) is not { } app || (asked.IsSignIn && !app.IsVerified))
                return NotEnabled;
            if (await check.Count(asked, Method, asked.Asker.Challenge, ct) is { } tooMany)
                return tooMany;
            if (codes.Find(asked.User.Id, command.Code, app.Current.BackupCodes) is not { } used)
                return check.Wrong(asked, Method, Invalid);
            store.Store(app.WithBackupCodes([.. app.Current.BackupCodes.Where(hash => hash != used)]));
            return await check.Right(asked, Method, command.Trust, ct, command.StartsSession);
        }
    }
}
