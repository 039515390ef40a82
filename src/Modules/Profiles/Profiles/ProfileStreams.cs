using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Opens somebody's profile for writing. Nothing is written for a user who is not there, or who is just being deleted: the
/// stream of a profile that was closed is not opened again.
/// </summary>
internal sealed class ProfileStreams(IDocumentSession store, IMediator mediator, TimeProvider clock)
{
    public static readonly Refusal NotFound = Refusal.NotFound("profile_not_found", "There is no such profile, or it is not for you to see");

    public static readonly Refusal Stale = Refusal.Of(
        StatusCodes.Status412PreconditionFailed, "stale_version", "The profile was changed since it was read");

    /// <param name="userId">Whose.</param>
    /// <param name="tags">Entity tags of which the stored version must be one; empty: any version.</param>
    public async Task<Outcome<OpenedProfile>> Open(string userId, IReadOnlyList<string> tags, CancellationToken ct)
    {
        var stream = await store.Events.FetchForWriting<Profile>(userId, ct);
        if (stream.Aggregate is null && (stream.StartingVersion > 0 || !await Exists(userId, ct)))
            return NotFound;
        var profile = stream.Aggregate ?? Profile.Unopened(userId);
        if (tags.Count > 0 && !tags.Contains("*") && !tags.Contains(profile.Tag))
            return Stale;
        return new OpenedProfile(store, stream, profile, clock.GetUtcNow());
    }

    /// <summary>The entity tags that a request insists on. Of a list with a malformed entry nothing can match, so that one is a tag that never does.</summary>
    public static IReadOnlyList<string> Tags(HttpRequest request)
    {
        var given = request.Headers.IfMatch;
        if (given.Count == 0)
            return [];
        return EntityTagHeaderValue.TryParseStrictList([.. given.OfType<string>()], out var tags) && tags.Count > 0
            ? [.. tags.Select(tag => tag.ToString())]
            : ["malformed"];
    }

    private async Task<bool> Exists(string userId, CancellationToken ct) => (await mediator.Send(new DescribePeople([userId]), ct)).Count == 1;
}

/// <summary>A profile that is open for writing.</summary>
internal sealed record OpenedProfile(IDocumentSession Store, IEventStream<Profile> Stream, Profile Profile, DateTimeOffset Now)
{
    /// <summary>Appends what has changed and answers the profile as it is then. The first change opens a profile that the message of the sign-up has not opened yet.</summary>
    public async Task<Profile> Append(object? changed, CancellationToken ct)
    {
        if (changed is null)
            return Profile;
        if (Stream.Aggregate is null && Stream.Events.Count == 0)
            Stream.AppendOne(new ProfileOpened(Profile.UserId, Now));
        Stream.AppendOne(changed);
        return (await Store.LoadAsync<Profile>(Profile.UserId, ct))!;
    }
}
