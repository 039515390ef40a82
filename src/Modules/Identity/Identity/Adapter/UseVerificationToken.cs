using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Somebody has opened a link that an Auth.js application had mailed: <c>POST /api/adapter/use-verification-token</c>. It is read and
/// gone in one step; of several at once one gets it. One that is over is handed out too: the application judges.
/// </summary>
internal static class UseVerificationToken
{
    /// <param name="Identifier">Null where the link has lost it: nothing is found then.</param>
    internal sealed record Request(string? Identifier, string? Token);

    internal sealed record Command(string Identifier, string Token) : IRequest<Outcome<Used>>, IIdempotent;

    /// <param name="Token">Null: there is none.</param>
    internal sealed record Used(AuthJsVerificationToken? Token);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/use-verification-token", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                if (request is not { Identifier: { } identifier, Token: { } token })
                    return AdapterRoutes.Answer(null);
                return (await mediator.Send(new Command(identifier, token), ct)).ToHttp(used => AdapterRoutes.Answer(used.Token));
            })
            .WithName(nameof(UseVerificationToken));
    }

    internal sealed class Handler(IDocumentSession store, AdapterUsers users, Verifications verifications, AddressHash addresses, TimeProvider clock)
        : IRequestHandler<Command, Outcome<Used>>
    {
        public async Task<Outcome<Used>> Handle(Command command, CancellationToken ct)
        {
            var key = AdapterToken.KeyOf(command.Identifier, command.Token);
            if (await verifications.FindEvenExpired<AdapterToken>(AdapterToken.Purpose, key, ct) is not { } found)
                return new Used(null);
            verifications.Consume(AdapterToken.Purpose, key);
            var (user, now) = (await users.FindByEmail(command.Identifier, ct), User.Now(clock));
            store.Events.Append(
                user?.Id ?? $"mail:{Guid.CreateVersion7(now):N}",
                new VerificationTokenUsed(
                    user?.Id, user is null ? addresses.Of(command.Identifier.ToLowerInvariant()) : null, found.IsExpired, now));
            return new Used(new AuthJsVerificationToken(command.Identifier, command.Token, found.Payload.Expires));
        }
    }
}
