using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;

namespace Modular.Identity;

/// <summary>
/// Somebody wants to sign in by a link from a mail: <c>POST /api/auth/sign-in/magic-link</c>. The same answer and the same
/// work for every address; who has it is looked up afterwards, by <see cref="SendMagicLink"/>.
/// </summary>
internal static class RequestMagicLink
{
    internal sealed record Request(string Email, string? Name, string? CallbackUrl, string? NewUserCallbackUrl, string? ErrorCallbackUrl)
        : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (email, name) = (body.RequiredEmail("email"), body.OptionalString("name"));
            UserLimits.Check(body, name, image: null);
            var request = new Request(
                email, name, body.OptionalString("callbackURL"), body.OptionalString("newUserCallbackURL"), body.OptionalString("errorCallbackURL"));
            // Upstream hands it to the code that sends the mail; ours has no use for it.
            body.OptionalObject("metadata");
            return request;
        }
    }

    internal sealed record Command(MagicLinkWish Wish) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal Disabled = Refusal.BadRequest("MAGIC_LINK_DISABLED", "Magic link isn't enabled").WithoutCode();

    internal sealed class Endpoint(PublicAddress address, IOptions<MailOptions> mail) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/sign-in/magic-link", new AuthPost { ChecksForm = true }, async (
                Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                if (!mail.Value.IsOn)
                    return Disabled.ToHttp();
                var wish = LinkWish.Of(request.Email, request.CallbackUrl, context, address, caller);
                var outcome = await mediator.Send(
                    new Command(new MagicLinkWish(wish, request.Name, request.NewUserCallbackUrl, request.ErrorCallbackUrl)), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .WithName(nameof(RequestMagicLink))
            .PartOf(AuthGroup.MagicLink);
    }

    internal sealed class Handler(IMessageBus bus, SecretBox secrets) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            await bus.PublishAsync(new MagicLinkRequested(secrets.SealJson(command.Wish, MagicLinkRequested.Context)));
            return Outcome.Done;
        }
    }
}

/// <summary>A link that signs in is wanted.</summary>
/// <param name="Name">Of somebody new.</param>
/// <param name="NewUserCallbackUrl">Where somebody new is led.</param>
internal sealed record MagicLinkWish(LinkWish Wish, string? Name, string? NewUserCallbackUrl, string? ErrorCallbackUrl);

/// <param name="Wish">A <see cref="MagicLinkWish"/>, sealed.</param>
internal sealed record MagicLinkRequested(string Wish)
{
    public const string Context = "magic-link-requested";
}
