using MediatR;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Stages that a user has other roles or is banned, with what follows for sessions in the same transaction.</summary>
internal sealed class Standing(AdminGate gate, LastAdministrator last, IMediator mediator, TimeProvider clock)
{
    public const string ByAdministrator = "by_administrator";

    /// <summary>What a ban says that nobody gave a reason for.</summary>
    public const string NoReason = "No reason";

    internal static readonly Refusal NotYourself = Refusal.BadRequest("YOU_CANNOT_BAN_YOURSELF", "You cannot ban yourself");

    /// <summary>
    /// Who becomes an administrator, or is none any more, is impersonated by nobody and impersonates nobody from then on.
    /// </summary>
    public async Task<Outcome<User>> SetRole(IEventStream<User> stream, User user, string role, CancellationToken ct)
    {
        if (user.Role == role)
            return user;
        var set = new UserRoleSet(user.Id, role, ByAdministrator, User.Now(clock));
        var changed = user.Apply(set);
        var (was, becomes) = (user.Roles.Contains(User.AdminRole), changed.Roles.Contains(User.AdminRole));
        if (was && !becomes && await last.Spare(user, ct) is { } refusal)
            return gate.Refuse(refusal, user.Id);
        stream.AppendOne(set);
        if (was != becomes)
            await mediator.Send(new EndImpersonations(user.Id, "role_changed"), ct);
        return changed;
    }

    public async Task<Outcome<User>> Ban(
        IEventStream<User> stream, User user, string actorId, string? reason, DateTimeOffset? expires, CancellationToken ct, bool inactive = false)
    {
        if (user.Id == actorId)
            return gate.Refuse(NotYourself, user.Id);
        if (await last.Spare(user, ct) is { } refusal)
            return gate.Refuse(refusal, user.Id);
        var banned = new UserBanned(user.Id, reason, expires, User.Now(clock), inactive);
        stream.AppendOne(banned);
        await mediator.Send(new EndSessionsOfUser(user.Id, inactive ? "inactive" : "banned"), ct);
        return user.Apply(banned);
    }

    /// <summary>A sign-in that was under way when they were banned may have left a session, which would live again.</summary>
    public async Task<User> Unban(IEventStream<User> stream, User user, CancellationToken ct)
    {
        if (!user.Banned)
            return user;
        var unbanned = new UserUnbanned(user.Id, ByAdministrator, User.Now(clock));
        stream.AppendOne(unbanned);
        await mediator.Send(new EndSessionsOfUser(user.Id, "unbanned"), ct);
        return user.Apply(unbanned);
    }
}
