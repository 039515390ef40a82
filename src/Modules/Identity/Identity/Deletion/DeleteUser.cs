using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user deletes their account: <c>POST /api/auth/delete-user</c>, with their password or within a day of signing in;
/// where <c>Auth:ConfirmDeletion</c> is on, by a link from a mail (<see cref="ConfirmUserDeletion"/>), or with its token.
/// </summary>
internal static class DeleteUser
{
    internal sealed record Request(string? Password, string? Token, string? CallbackUrl) : IWireInput<Request>
    {
        public static Request Read(WireBody body) =>
            new(body.OptionalString("password"), body.OptionalString("token"), body.OptionalString("callbackURL"));
    }

    /// <param name="IsFresh">Whether the session is young enough to do without a password.</param>
    /// <param name="Confirms">Whether a link has to be opened first.</param>
    internal sealed record Command(string UserId, string? Password, string? Token, bool IsFresh, bool Confirms, LinkWish Wish)
        : IRequest<Outcome<Done>>, IIdempotent;

    /// <param name="IsDeleted">False: a link is on its way.</param>
    internal sealed record Done(bool IsDeleted);

    internal static readonly Refusal NotFresh = Refusal.BadRequest(
        "SESSION_EXPIRED", "Session expired. Re-authenticate to perform this action.");

    internal static readonly Refusal InvalidToken = Refusal.NotFound("INVALID_TOKEN", "Invalid token");

    internal sealed class Endpoint(
        PublicAddress address, IActiveSessions sessions, SessionCookies cookies, IOptions<AuthOptions> options, IOptions<MailOptions> mail, TimeProvider clock)
        : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/delete-user", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var session = await sessions.Find(context, ct);
                var outcome = await mediator.Send(
                    new Command(
                        caller.UserId!, request.Password, request.Token, session!.IsFresh(clock.GetUtcNow()),
                        options.Value.ConfirmDeletion && mail.Value.IsOn, LinkWish.Of("", request.CallbackUrl, context, address, caller)),
                    ct);
                return outcome.ToHttp(done =>
                {
                    if (!done.IsDeleted)
                        return WireJson.Ok(new { Success = true, Message = "Verification email sent" });
                    cookies.Clear(context);
                    return WireJson.Ok(new { Success = true, Message = "User deleted" });
                });
            })
            .RequireSession()
            .WithName(nameof(DeleteUser));
    }

    internal sealed class Handler(
        IDocumentSession store, OwnPassword own, Verifications verifications, Removal removal, DeletionRecord record, Mailer mailer)
        : IRequestHandler<Command, Outcome<Done>>
    {
        public async Task<Outcome<Done>> Handle(Command command, CancellationToken ct)
        {
            if (command.Password is { } password
                && await own.Check(command.UserId, password, "delete_user", OwnPassword.NoPassword, ct) is { Refusal: { } refusal })
                return refusal;
            if (!string.IsNullOrEmpty(command.Token))
            {
                if (await record.Check(command.UserId, command.Token, InvalidToken, ct) is { } invalid)
                    return invalid;
                return await Remove(command, "self_by_mail", ct);
            }

            if (command.Confirms)
                return await SendLink(command, ct);
            return command.Password is null && !command.IsFresh
                ? record.Refuse(command.UserId, "session_not_fresh", NotFresh)
                : await Remove(command, "self", ct);
        }

        private async Task<Outcome<Done>> Remove(Command command, string reason, CancellationToken ct)
        {
            if (await record.Spare(command.UserId, ct) is { } refusal)
                return refusal;
            return await removal.Remove(command.UserId, reason, command.Wish.BaseUrl, ct) ? new Done(IsDeleted: true) : Refusal.Unauthorized();
        }

        private async Task<Outcome<Done>> SendLink(Command command, CancellationToken ct)
        {
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return Refusal.Unauthorized();
            if (await verifications.AreTooMany(DeletionTicket.Purpose, user.Id, ct))
                return new Done(IsDeleted: false);
            record.LinkSent(user.Id);
            var token = verifications.IssueLimited(DeletionTicket.Purpose, new DeletionTicket(user.Id), DeletionTicket.Life, user.Id);
            var link = command.Wish.Link("delete-user/callback", token, command.Wish.CallbackUrl ?? "/");
            await mailer.SendLink(MailKind.DeleteAccount, user.Email, command.Wish with { Email = user.Email }, link, DeletionTicket.Life);
            return new Done(IsDeleted: false);
        }
    }
}
