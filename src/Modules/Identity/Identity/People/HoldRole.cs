using MediatR;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Another module makes a user a mentor or mentee, or none any more (<see cref="Contracts.HoldRole"/>).</summary>
internal static class HoldRole
{
    /// <summary>What gives rights over others is given by administrators alone.</summary>
    private static readonly string[] Harmless = ["mentor", "mentee"];

    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.HoldRole, bool>
    {
        public async Task<bool> Handle(Contracts.HoldRole command, CancellationToken ct)
        {
            if (!Harmless.Contains(command.Role))
                throw new ArgumentException($"'{command.Role}' is a role that administrators give.", nameof(command));
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            var now = User.Now(clock);
            if (stream.Aggregate is not { } user || (command.Holds && user.IsBanned(now)))
                return false;
            if (Decide(user, command) is { } role)
                stream.AppendOne(new UserRoleSet(user.Id, role, command.Reason, now));
            return true;
        }
    }

    /// <summary>The roles afterwards; null: they are so already. Whoever has no other is a <c>user</c>.</summary>
    internal static string? Decide(User user, Contracts.HoldRole command)
    {
        var others = user.Roles.Where(role => role != command.Role && role != User.DefaultRole);
        IReadOnlyList<string> roles = command.Holds ? [.. others, command.Role] : [.. others];
        var joined = roles.Count == 0 ? User.DefaultRole : string.Join(',', roles);
        return user.Roles.Contains(command.Role) == command.Holds ? null : joined;
    }
}
