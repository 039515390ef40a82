using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application keeps the token of a link that it mails: <c>POST /api/adapter/create-verification-token</c>. Several may
/// be open for one address.
/// </summary>
internal static class CreateVerificationToken
{
    internal sealed record Request(string? Identifier, string? Token, DateTimeOffset Expires);

    internal sealed record Command(string Identifier, string Token, DateTimeOffset Expires) : IRequest<Outcome>;

    internal static readonly Refusal Taken = Refusal.Conflict("verification_token_taken", "There is such a token already");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/create-verification-token", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                if (request is not { Identifier: { Length: > 0 } identifier, Token: { Length: > 0 } token })
                    return Refusal.Invalid(new FieldError(string.IsNullOrEmpty(request.Identifier) ? "identifier" : "token", "This is missing")).ToHttp();
                var expires = AdapterUsers.Time(request.Expires)!.Value;
                return (await mediator.Send(new Command(identifier, token, expires), ct))
                    .ToHttp(() => AdapterRoutes.Answer(new AuthJsVerificationToken(identifier, token, expires)));
            })
            .WithName(nameof(CreateVerificationToken));
    }

    internal sealed class Handler(
        IDocumentSession store, AdapterUsers users, Verifications verifications, AddressHash addresses, Refusals refusals, TimeProvider clock)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var user = await users.FindByEmail(command.Identifier, ct);
            refusals.When(Verifications.KeyConstraint, Taken);
            verifications.Keep(
                AdapterToken.Purpose, AdapterToken.KeyOf(command.Identifier, command.Token), new AdapterToken(command.Expires), command.Expires, user?.Id);
            var now = User.Now(clock);
            store.Events.Append(
                user?.Id ?? $"mail:{Guid.CreateVersion7(now):N}",
                new VerificationTokenCreated(user?.Id, user is null ? addresses.Of(command.Identifier.ToLowerInvariant()) : null, command.Expires, now));
            return Outcome.Done;
        }
    }
}
