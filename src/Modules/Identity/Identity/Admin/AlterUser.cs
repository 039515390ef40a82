using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An administrator changes any column of a user: <c>POST /api/auth/admin/update-user</c>.</summary>
internal static class AlterUser
{
    internal sealed record Request(string UserId, AdminUserData Data) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(
            AdminInput.UserId(body), body.RequiredObject("data") is { } data ? AdminUserData.Read(body, data) : AdminUserData.None);
    }

    internal sealed record Command(string ActorId, string UserId, AdminUserData Data, string BaseUrl) : IRequest<Outcome<User>>, IIdempotent;

    internal static readonly Refusal NoData = Refusal.BadRequest("NO_DATA_TO_UPDATE", "No data to update");

    internal static readonly Refusal NoPassword = Refusal.BadRequest(
        "PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER", "Password cannot be updated through update-user. Use the set-user-password endpoint instead");

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/update-user", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.UserId, request.Data, address.For(context).ToString()), ct);
                return outcome.ToHttp(user => WireJson.Ok(user.ToPrincipal()));
            })
            .OfAdmin(nameof(AlterUser));
    }

    internal sealed class Handler(AdminGate gate, IDocumentSession store, Standing standing, AddressChange address, TimeProvider clock)
        : IRequestHandler<Command, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Command command, CancellationToken ct)
        {
            if ((await gate.Enter(AdminRight.Update, command.UserId, ct) ?? Forbids(command)) is { } refusal)
                return refusal;
            var data = command.Data;
            if (data.Email is not null && await address.IsTaken(data.Email, command.UserId, ct))
                return AddressChange.Taken;
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            if (stream.Aggregate is not { } user)
                return AdminRoutes.UserNotFound;
            if (Decide(user, data, User.Now(clock)) is { } updated)
            {
                stream.AppendOne(updated);
                user = user.Apply(updated);
            }

            user = await address.Set(stream, user, data.Email, data.EmailVerified, command.BaseUrl);
            var outcome = data.Role is { } role ? await standing.SetRole(stream, user, role.Joined, ct) : user;
            return outcome.Refusal is null ? await SetBan(stream, outcome.Answer, command, ct) : outcome;
        }

        private async Task<Outcome<User>> SetBan(IEventStream<User> stream, User user, Command command, CancellationToken ct)
        {
            var data = command.Data;
            if (!data.TouchesBan || (data.Banned ?? user.Banned) is false)
                return data.Banned is false ? await standing.Unban(stream, user, ct) : user;
            var (reason, expires) = (data.BanReason.IsPresent ? data.BanReason.Value : user.BanReason, data.BanExpires.IsPresent ? data.BanExpires.Value : user.BanExpires);
            return await standing.Ban(stream, user, command.ActorId, reason ?? Standing.NoReason, expires, ct);
        }

        private Refusal? Forbids(Command command)
        {
            var (data, target) = (command.Data, command.UserId);
            if (data.IsEmpty)
                return NoData;
            if (data.HasPassword)
                return NoPassword;
            if (data.Role is { } role && (gate.Check(AdminRight.SetRole, target) ?? role.Refusal) is { } noRole)
                return noRole;
            if (data.TouchesBan && gate.Check(AdminRight.Ban, target) is { } noBan)
                return noBan;
            if (data.Banned == true && target == command.ActorId)
                return gate.Refuse(Standing.NotYourself, target);
            if (data.TouchesEmail && gate.Check(AdminRight.SetEmail, target) is { } noEmail)
                return noEmail;
            return data.Email is null || WireBody.IsEmail(data.Email.ToLowerInvariant()) ? null : AddressChange.Invalid;
        }
    }

    /// <summary>What is already so is no change.</summary>
    internal static UserUpdated? Decide(User user, AdminUserData data, DateTimeOffset now)
    {
        var (name, image) = (data.Name.IsPresent ? data.Name.Value! : user.Name, data.Image.IsPresent ? data.Image.Value : user.Image);
        List<string> changed = [];
        if (name != user.Name)
            changed.Add(UserUpdated.NameMember);
        if (image != user.Image)
            changed.Add(UserUpdated.ImageMember);
        return changed.Count == 0
            ? null
            : new UserUpdated(user.Id, changed, name == user.Name ? null : name, image == user.Image ? null : image, now);
    }
}
