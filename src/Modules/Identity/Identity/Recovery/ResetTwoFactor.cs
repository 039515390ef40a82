using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The operator turns somebody's second factor off who has lost it: <c>users reset-two-factor EMAIL</c>.</summary>
internal static class ResetTwoFactor
{
    internal const string Reason = "by_operator";

    internal sealed class Handler(IDocumentSession store, Registration registration, TwoFactorSwitch factor, IMediator mediator, PublicAddress address)
        : IRequestHandler<Contracts.ResetTwoFactor, TwoFactorWasReset>
    {
        public async Task<TwoFactorWasReset> Handle(Contracts.ResetTwoFactor request, CancellationToken cancellationToken)
        {
            var email = request.Email.Trim().ToLowerInvariant();
            if (await registration.Find(email, cancellationToken) is not { } found)
                return new(null, $"Nobody has the address '{email}'.");
            var stream = await store.Events.FetchForWriting<User>(found.Id, cancellationToken);
            if (stream.Aggregate is not { TwoFactorEnabled: true } user)
                return new(null, $"{found.Id} has no second factor that could be reset.");
            // The mail names the application by its address; without one a command cannot know it.
            await factor.TurnOff(stream, user, Reason, address.Known?.ToString() ?? "http://localhost/", cancellationToken);
            await mediator.Send(new EndSessionsOfUser(user.Id, "two_factor_reset"), cancellationToken);
            return new(user.Id, null);
        }
    }
}
