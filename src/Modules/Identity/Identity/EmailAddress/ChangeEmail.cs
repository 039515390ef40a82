using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user wants another e-mail address: <c>POST /api/auth/change-email</c>. It changes when the link is opened that
/// <see cref="SendEmailChangeLink"/> mails; an address that is taken gets the same answer.
/// </summary>
internal static class ChangeEmail
{
    internal sealed record Request(string NewEmail, string? CallbackUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredEmail("newEmail"), body.OptionalString("callbackURL"));
    }

    /// <param name="Wish">Its address is the new one.</param>
    internal sealed record Command(string UserId, LinkWish Wish) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal Same = Refusal.BadRequest("EMAIL_IS_THE_SAME", "Email is the same").WithoutCode();

    internal static readonly Refusal NoMail = Refusal.BadRequest("VERIFICATION_EMAIL_NOT_ENABLED", "Verification email isn't enabled").WithoutCode();

    internal sealed class Endpoint(PublicAddress address, IOptions<MailOptions> mail) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/change-email", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!mail.Value.IsOn)
                    return NoMail.ToHttp();
                var wish = LinkWish.Of(request.NewEmail, request.CallbackUrl, context, address, caller);
                var outcome = await mediator.Send(new Command(caller.UserId!, wish), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .RequireSession()
            .WithName(nameof(ChangeEmail));
    }

    internal sealed class Handler(IDocumentSession store, IMessageBus bus, SecretBox secrets) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            if (user.Email == command.Wish.Email)
                return Same;
            await bus.PublishAsync(new EmailChangeRequested(user.Id, secrets.SealJson(command.Wish, EmailChangeRequested.Context(user.Id))));
            return Outcome.Done;
        }
    }
}

/// <param name="Wish">A <see cref="LinkWish"/> with the new address, sealed.</param>
internal sealed record EmailChangeRequested(string UserId, string Wish)
{
    public static string Context(string userId) => $"email-change-requested/{userId}";
}
