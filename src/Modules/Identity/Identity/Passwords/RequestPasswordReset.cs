using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;

namespace Modular.Identity;

/// <summary>
/// Somebody who forgot their password asks for a link: <c>POST /api/auth/request-password-reset</c>. The same answer and
/// the same work for every address; who has it is looked up afterwards, by <see cref="SendPasswordResetLink"/>.
/// </summary>
internal static class RequestPasswordReset
{
    internal sealed record Request(string Email, string? RedirectTo) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredEmail("email"), body.OptionalString("redirectTo"));
    }

    internal sealed record Command(LinkWish Wish) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal Disabled = Refusal.BadRequest("RESET_PASSWORD_DISABLED", "Reset password isn't enabled");

    internal sealed class Endpoint(PublicAddress address, IOptions<MailOptions> mail) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/request-password-reset", async (
                Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!mail.Value.IsOn)
                    return Disabled.ToHttp();
                var outcome = await mediator.Send(new Command(LinkWish.Of(request.Email, request.RedirectTo, context, address, caller)), ct);
                return outcome.ToHttp(() => WireJson.Ok(new
                {
                    Status = true,
                    Message = "If this email exists in our system, check your email for the reset link",
                }));
            })
            .WithName(nameof(RequestPasswordReset));
    }

    internal sealed class Handler(IMessageBus bus, SecretBox secrets) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            await bus.PublishAsync(new PasswordResetRequested(secrets.SealJson(command.Wish, PasswordResetRequested.Context)));
            return Outcome.Done;
        }
    }
}

/// <param name="Wish">A <see cref="LinkWish"/>, sealed.</param>
internal sealed record PasswordResetRequested(string Wish)
{
    public const string Context = "password-reset-requested";
}
