using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user shows with a code that another address is theirs, and has it from then on: <c>POST /api/auth/email-otp/change-email</c>.</summary>
internal static class ChangeEmailWithCode
{
    internal sealed record Request(string NewEmail, string Otp) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("newEmail"), body.RequiredString("otp"));
    }

    internal sealed record Command(string UserId, string NewEmail, string Otp, string BaseUrl) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal Taken = Refusal.BadRequest("EMAIL_TAKEN", "Email already in use").WithoutCode();

    internal sealed class Endpoint(PublicAddress address, SessionCookies cookies) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/email-otp/change-email", async (
                Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!WireBody.IsEmail(request.NewEmail))
                    return EmailCodeRefusals.InvalidEmail.ToHttp();
                var outcome = await mediator.Send(
                    new Command(caller.UserId!, request.NewEmail.ToLowerInvariant(), request.Otp, address.For(context).ToString()), ct);
                return outcome.ToHttp(() =>
                {
                    cookies.Renew(context);
                    return WireJson.Ok(new { Success = true });
                });
            })
            .RequireSession()
            .WithName(nameof(ChangeEmailWithCode))
            .PartOf(AuthGroup.EmailOtp);
    }

    internal sealed class Handler(IDocumentSession store, EmailCodeCheck check, EmailVerification verification, Registration registration)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            if (stream.Aggregate is not { } user)
                return Refusal.Unauthorized();
            if (user.Email == command.NewEmail)
                return EmailCodeRefusals.Same;
            // Bound to the old address too: once they have another one, the code is void.
            var key = CodeKey.EmailChange(user.Id, user.Email, command.NewEmail);
            if (await check.Refuse(key, command.Otp, user.Email, uses: true, ct) is { } refusal)
                return refusal;
            if (await registration.Find(command.NewEmail, ct) is not null)
                return await check.RefuseRight(key, user.Email, Taken, ct);

            verification.ExpectTaken(user.Id, Taken);
            check.Used(stream, key);
            await verification.Change(stream, command.NewEmail, command.BaseUrl, isSignedIn: true, ct);
            return Outcome.Done;
        }
    }
}
