using MediatR;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Another module deletes a user (<see cref="Contracts.EndUser"/>).</summary>
internal static class EndUser
{
    internal sealed class Handler(IDocumentSession store, LastAdministrator last, Removal removal) : IRequestHandler<Contracts.EndUser, bool>
    {
        public async Task<bool> Handle(Contracts.EndUser command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return true;
            if (await last.Spare(user, ct) is not null)
                return false;
            await removal.Remove(command.UserId, command.Reason, baseUrl: null, ct);
            return true;
        }
    }
}
