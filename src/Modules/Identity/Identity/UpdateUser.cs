using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Users change their own name, image or username: <c>POST /api/auth/update-user</c>.</summary>
internal static class UpdateUser
{
    internal sealed record Request(WireValue<string> Name, WireValue<string> Image, bool HasEmail, string? Unsettable, Username? Username = null)
        : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var name = body.OptionalString("name");
            var image = body.NullableString("image");
            UserLimits.Check(body, name, image.Value);
            return new Request(
                new(body.Member("name") is not null, name), image, UnsettableColumns.IsTruthy(body, "email"), UnsettableColumns.Find(body),
                Identity.Username.Read(body));
        }
    }

    internal sealed record Command(string UserId, WireValue<string> Name, WireValue<string> Image, Username? Username = null)
        : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal EmailStays = Refusal.BadRequest("EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated");

    internal static readonly Refusal NothingToUpdate = Refusal.BadRequest("NO_FIELDS_TO_UPDATE", "No fields to update").WithoutCode();

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost(
                "/update-user",
                new AuthPost { BodyKind = "record" },
                async (
                    Request request, HttpContext context, Caller caller, IMediator mediator, SessionCookies cookies,
                    IOptions<AuthOptions> options, CancellationToken ct) =>
                {
                    var username = options.Value.IsOn(AuthGroup.Username) ? request.Username : null;
                    if (Forbids(request with { Username = username }) is { } forbidden)
                        return forbidden.ToHttp();
                    var outcome = await mediator.Send(new Command(caller.UserId!, request.Name, request.Image, username), ct);
                    return outcome.ToHttp(() =>
                    {
                        // Better Auth sends the session's cookie again, and clients count on its new Max-Age.
                        cookies.Renew(context);
                        return WireJson.Ok(new { Status = true });
                    });
                })
            .RequireSession();
    }

    internal sealed class Handler(IDocumentSession store, UsernameHolders usernames, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);

            // Deleted since the session was checked.
            if (stream.Aggregate is not { } user)
                return Refusal.Unauthorized();
            if (await usernames.Claim(command.Username ?? Username.None, user.Id, ct) is { } taken)
                return taken;
            if (Decide(user, command, User.Now(clock)) is { } updated)
                stream.AppendOne(updated);
            return Outcome.Done;
        }
    }

    internal static Refusal? Forbids(Request request) => request switch
    {
        { HasEmail: true } => EmailStays,
        { Unsettable: { } column } => UnsettableColumns.NotAllowed(column),
        { Name.IsPresent: false, Image.IsPresent: false } when request.Username is null or { Name: null, Display: null } => NothingToUpdate,
        { Username: { } username } => username.Refuse(),
        _ => null,
    };

    /// <summary>What is already so is no change: null when nothing is left.</summary>
    internal static UserUpdated? Decide(User user, Command command, DateTimeOffset now)
    {
        var (name, image) = (command.Name, command.Image);
        var (key, display) = (command.Username?.Key, command.Username?.Display);
        List<string> changed = [];
        if (name.IsPresent && name.Value != user.Name)
            changed.Add(UserUpdated.NameMember);
        if (image.IsPresent && image.Value != user.Image)
            changed.Add(UserUpdated.ImageMember);
        if (key is not null && key != user.Username)
            changed.Add(UserUpdated.UsernameMember);
        if (!string.IsNullOrEmpty(display) && display != user.DisplayUsername)
            changed.Add(UserUpdated.DisplayUsernameMember);
        T? Of<T>(string member, T? value) => changed.Contains(member) ? value : default;
        return changed.Count == 0
            ? null
            : new UserUpdated(
                user.Id, changed, Of(UserUpdated.NameMember, name.Value), Of(UserUpdated.ImageMember, image.Value), now,
                Of(UserUpdated.UsernameMember, key), Of(UserUpdated.DisplayUsernameMember, display));
    }
}
