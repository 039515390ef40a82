using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Somebody who was anonymous in this browser says who they are: their anonymous user is over, and the log and
/// <c>neon_auth.users_sync</c> (<c>raw_json ->> 'linkedTo'</c>) say whose it was. It is removed only some days later, so that an
/// application can move what references it: removing it at once would take that along (<c>on delete cascade</c>).
/// </summary>
internal sealed class AnonymousUpgrade(IDocumentSession store, IMessageBus bus, IMediator mediator, Caller caller, IOptions<AuthOptions> options, TimeProvider clock)
{
    /// <summary>How long an anonymous user stays after it is known who it was.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromDays(7);

    /// <summary>Stages the end of whom the browser was, where that was an anonymous user.</summary>
    public async Task Link(User user, CancellationToken ct)
    {
        if (user.IsAnonymous || !options.Value.IsOn(AuthGroup.Anonymous) || caller.PresentedToken is not { } token)
            return;
        if (await mediator.Send(new FindUserOfToken(token), ct) is not { } id || id == user.Id
            || await store.LoadAsync<User>(id, ct) is not { IsAnonymous: true })
            return;
        var (stream, now) = (await store.Events.FetchForWriting<User>(id, ct), User.Now(clock));
        if (stream.Aggregate is not { IsAnonymous: true, LinkedTo: null })
            return;
        stream.AppendOne(new AnonymousUserLinked(id, user.Id, now));
        await mediator.Send(new EndSessionsOfUser(id, "signed_in_as_somebody"), ct);
        await bus.ScheduleAsync(new AnonymousUserStale(id), now + Grace);
    }
}

/// <summary>It is known now who an anonymous user was.</summary>
/// <param name="LinkedTo">The user they have become.</param>
internal sealed record AnonymousUserLinked(string UserId, string LinkedTo, DateTimeOffset At);

/// <summary>Nobody can come back as this anonymous user any more.</summary>
internal sealed record AnonymousUserStale(string UserId);
