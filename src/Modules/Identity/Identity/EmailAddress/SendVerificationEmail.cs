using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Somebody asks for the verification mail (again): <c>POST /api/auth/send-verification-email</c>. Signed out, every
/// address gets the same answer after the same work; <see cref="SendVerificationLink"/> looks up who has it.
/// </summary>
internal static class SendVerificationEmail
{
    internal sealed record Request(string Email, string? CallbackUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredEmail("email"), body.OptionalString("callbackURL"));
    }

    /// <param name="UserId">Who is signed in; null: nobody.</param>
    internal sealed record Command(LinkWish Wish, string? UserId) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal Disabled = Refusal.BadRequest("VERIFICATION_EMAIL_NOT_ENABLED", "Verification email isn't enabled");

    internal static readonly Refusal Mismatch = Refusal.BadRequest("EMAIL_MISMATCH", "Email mismatch");

    internal static readonly Refusal AlreadyVerified = Refusal.BadRequest("EMAIL_ALREADY_VERIFIED", "Email is already verified");

    internal sealed class Endpoint(PublicAddress address, IOptions<MailOptions> mail) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/send-verification-email", async (
                Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!mail.Value.IsOn)
                    return Disabled.ToHttp();
                await SignedInExtensions.Identify(context);
                var outcome = await mediator.Send(
                    new Command(LinkWish.Of(request.Email, request.CallbackUrl, context, address, caller), caller.UserId), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .WithName(nameof(SendVerificationEmail));
    }

    internal sealed class Handler(IDocumentSession store, IMediator mediator) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (command.UserId is { } id && await store.LoadAsync<User>(id, ct) is { } user && Decide(user, command.Wish.Email) is { } refusal)
                return refusal;
            return await mediator.Send(new AskVerification(command.Wish), ct);
        }
    }

    internal static Refusal? Decide(User signedIn, string email) =>
        signedIn.Email != email ? Mismatch
        : signedIn.EmailVerified ? AlreadyVerified
        : null;
}
