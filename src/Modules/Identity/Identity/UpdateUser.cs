using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Users change their own name or image: <c>POST /api/auth/update-user</c>.</summary>
internal static class UpdateUser
{
    internal sealed record Request(WireValue<string> Name, WireValue<string> Image, bool HasEmail, string? Unsettable) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var name = body.OptionalString("name");
            var image = body.NullableString("image");
            UserLimits.Check(body, name, image.Value);
            return new Request(
                new(body.Member("name") is not null, name), image, UnsettableColumns.IsTruthy(body, "email"), UnsettableColumns.Find(body));
        }
    }

    internal sealed record Command(string UserId, WireValue<string> Name, WireValue<string> Image) : IRequest<Outcome>, IIdempotent;

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
                    CancellationToken ct) =>
                {
                    if (Forbids(request) is { } forbidden)
                        return forbidden.ToHttp();
                    var outcome = await mediator.Send(new Command(caller.UserId!, request.Name, request.Image), ct);
                    return outcome.ToHttp(() =>
                    {
                        // Better Auth sends the session's cookie again, and clients count on its new Max-Age.
                        cookies.Renew(context);
                        return WireJson.Ok(new { Status = true });
                    });
                })
            .RequireSession();
    }

    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);

            // Deleted since the session was checked.
            if (stream.Aggregate is not { } user)
                return Refusal.Unauthorized();
            if (Decide(user, command, User.Now(clock)) is { } updated)
                stream.AppendOne(updated);
            return Outcome.Done;
        }
    }

    internal static Refusal? Forbids(Request request) => request switch
    {
        { HasEmail: true } => EmailStays,
        { Unsettable: { } column } => UnsettableColumns.NotAllowed(column),
        { Name.IsPresent: false, Image.IsPresent: false } => NothingToUpdate,
        _ => null,
    };

    /// <summary>What is already so is no change: null when nothing is left.</summary>
    internal static UserUpdated? Decide(User user, Command command, DateTimeOffset now)
    {
        var changesName = command.Name.IsPresent && command.Name.Value != user.Name;
        var changesImage = command.Image.IsPresent && command.Image.Value != user.Image;
        List<string> changed = [];
        if (changesName)
            changed.Add(UserUpdated.NameMember);
        if (changesImage)
            changed.Add(UserUpdated.ImageMember);
        return changed.Count == 0
            ? null
            : new UserUpdated(user.Id, changed, changesName ? command.Name.Value : null, changesImage ? command.Image.Value : null, now);
    }
}
