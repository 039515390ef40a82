using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application registers somebody: <c>POST /api/adapter/create-user</c>. With an address or without, and whatever else
/// a provider has said; the id is ours.
/// </summary>
internal static class CreateAdapterUser
{
    internal sealed record Request(string? Name, string? Email, string? Image, DateTimeOffset? EmailVerified);

    /// <param name="Email">In lower case; null: none.</param>
    internal sealed record Command(string Name, string? Email, string? Image, DateTimeOffset? EmailVerified) : IRequest<Outcome<User>>, IIdempotent;

    /// <summary>Removes whom a broken-off sign-in has left at an address. False: nobody like that is there.</summary>
    internal sealed record MakeWay(string Email) : IRequest<bool>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/create-user", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var email = AdapterUsers.Address(request.Email);
                if ((AdapterRefusals.OfAddress(email) ?? AdapterRefusals.OfTexts([request.Name, request.Image])) is { } invalid)
                    return invalid.ToHttp();
                var command = new Command(
                    AdapterUsers.Name(request.Name), email, AdapterUsers.Image(request.Image), AdapterUsers.Time(request.EmailVerified));
                var outcome = await mediator.Send(command, ct);
                if (outcome.Refusal == AdapterRefusals.EmailTaken && await mediator.Send(new MakeWay(email!), ct))
                    outcome = await mediator.Send(command, ct);
                return outcome.ToHttp(user => AdapterRoutes.Answer(AuthJsUser.Of(user.ToPrincipal())));
            })
            .WithName(nameof(CreateAdapterUser));
    }

    internal sealed class Handler(Registration registration, Refusals refusals, Caller caller) : IRequestHandler<Command, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Command command, CancellationToken ct)
        {
            refusals.When(User.EmailIndex, AdapterRefusals.EmailTaken);
            var user = await registration.Register(Decide(command, registration.NewId()), account: null);
            caller.UserId = user.Id;
            return user;
        }
    }

    internal sealed class WayHandler(IDocumentSession store, AdapterUsers users, Orphans orphans, Removal removal) : IRequestHandler<MakeWay, bool>
    {
        public async Task<bool> Handle(MakeWay command, CancellationToken ct)
        {
            if (await users.FindByEmail(command.Email, ct) is not { } user || !await orphans.IsOne(user, ct))
                return false;
            Orphans.Hold(store, user.Id);
            return await removal.Remove(user.Id, "sign_in_broke_off", baseUrl: null, ct);
        }
    }

    /// <param name="command">Who.</param>
    /// <param name="placeId">Makes the place of a missing address unique.</param>
    internal static NewUser Decide(Command command, string placeId) =>
        new(command.Name, command.Email ?? MissingAddress.Of(placeId), command.Image, command.Email is not null && command.EmailVerified is not null)
        {
            Reason = User.ViaAdapter,
            EmailVerifiedAt = command.Email is null ? null : command.EmailVerified,
        };
}
