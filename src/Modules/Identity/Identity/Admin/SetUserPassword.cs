using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An administrator sets a user's password: <c>POST /api/auth/admin/set-user-password</c>. Whoever is signed in as them is no
/// longer, but for an administrator who sets their own.
/// </summary>
internal static class SetUserPassword
{
    internal sealed record Request(string NewPassword, string UserId) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (password, userId) = (body.RequiredString("newPassword"), AdminInput.UserId(body));
            if (body.Member("newPassword") is { ValueKind: System.Text.Json.JsonValueKind.String } && password.Length == 0)
                body.Fail("newPassword", "newPassword cannot be empty");
            if (userId.Length == 0)
                body.Fail("userId", "userId cannot be empty");
            return new(password, userId);
        }
    }

    /// <param name="SessionId">The administrator's own.</param>
    internal sealed record Command(string UserId, string Password, string SessionId, string BaseUrl) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint(PublicAddress address) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/set-user-password", async (Request request, HttpContext context, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.UserId, request.NewPassword, caller.SessionId!, address.For(context).ToString()), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .OfAdmin(nameof(SetUserPassword));
    }

    internal sealed class Handler(AdminGate gate, IDocumentSession store, NewPassword newPassword, IMediator mediator) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if ((await gate.Enter(AdminRight.SetPassword, command.UserId, ct) ?? PasswordRules.Refuse(command.Password)) is { } refusal)
                return refusal;
            if (await store.LoadAsync<User>(command.UserId, ct) is not { } user)
                return AdminRoutes.UserNotFound;
            if (PasswordRules.Refuse(command.Password, user.Email, user.Name) is { } unwise)
                return unwise;
            if (await newPassword.Set(user, command.Password, command.BaseUrl, at => new PasswordGiven(user.Id, at), ct) is { } notSet)
                return notSet;
            await mediator.Send(new EndSessionsOfUser(user.Id, "password_given", command.SessionId), ct);
            return Outcome.Done;
        }
    }
}
