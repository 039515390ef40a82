using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An administrator registers somebody, with or without a password, and nobody is signed in:
/// <c>POST /api/auth/admin/create-user</c>.
/// </summary>
internal static class CreateUser
{
    internal sealed record Request(string Email, string Name, string? Password, RoleWish? Role, AdminUserData Data) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var (email, password, name) = (body.RequiredString("email"), body.OptionalString("password"), body.RequiredString("name"));
            UserLimits.Check(body, name, image: null);
            var role = RoleWish.Read(body, required: false);
            return new(email, name, password, role, body.OptionalObject("data") is { } data ? AdminUserData.Read(body, data) : AdminUserData.None);
        }
    }

    /// <param name="Email">In lower case.</param>
    /// <param name="Password">Null: they sign in by another way.</param>
    internal sealed record Command(string ActorId, string Email, string Name, string? Password, RoleWish? Role, AdminUserData Data)
        : IRequest<Outcome<User>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/create-user", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var password = string.IsNullOrEmpty(request.Password) ? null : request.Password;
                var command = new Command(
                    caller.UserId!, request.Email.ToLowerInvariant(), request.Name, password, request.Role ?? request.Data.Role, request.Data);
                var outcome = await mediator.Send(command, ct);
                return outcome.ToHttp(user => WireJson.Ok(new { User = user.ToPrincipal() }));
            })
            .OfAdmin(nameof(CreateUser));
    }

    internal sealed class Handler(AdminGate gate, Registration registration, PasswordQueue passwords, IDocumentSession store, Refusals refusals, TimeProvider clock)
        : IRequestHandler<Command, Outcome<User>>
    {
        public async Task<Outcome<User>> Handle(Command command, CancellationToken ct)
        {
            if ((await gate.Enter(AdminRight.Create, target: null, ct) ?? Forbids(command)) is { } refusal)
                return refusal;
            if (await registration.Find(command.Email, ct) is not null)
                return AddressChange.Taken;
            string? hash = null;
            if (command.Password is { } password)
            {
                var made = await passwords.Hash(password, ct);
                if (made.Refusal is { } busy)
                    return busy;
                hash = made.Answer;
            }

            refusals.When(User.EmailIndex, AddressChange.Taken);
            var person = new NewUser(
                command.Name, command.Email, command.Data.Image.Value, command.Data.EmailVerified ?? false, command.Role?.Joined ?? User.DefaultRole);
            Func<string, DateTimeOffset, Account>? account = hash is null ? null : (id, now) => Account.Credential(id, hash, now);
            var user = await registration.Register(person, account);
            if (command.Data.Banned != true)
                return user;
            var banned = new UserBanned(user.Id, command.Data.BanReason.Value ?? Standing.NoReason, command.Data.BanExpires.Value, User.Now(clock));
            store.Events.Append(user.Id, banned);
            return user.Apply(banned);
        }

        private Refusal? Forbids(Command command)
        {
            if (command.Role is { } role && (gate.Check(AdminRight.SetRole, target: null) ?? role.Refusal) is { } refusal)
                return refusal;
            if (command.Data.TouchesBan && gate.Check(AdminRight.Ban, target: null) is { } noBan)
                return noBan;
            if (!WireBody.IsEmail(command.Email))
                return AddressChange.Invalid;
            return command.Password is { } password ? PasswordRules.Refuse(password, command.Email, command.Name) : null;
        }
    }
}
