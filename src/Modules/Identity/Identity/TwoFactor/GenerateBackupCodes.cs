using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user gets new backup codes, and the old ones are void: <c>POST /api/auth/two-factor/generate-backup-codes</c>.</summary>
internal static class GenerateBackupCodes
{
    internal sealed record Request(string Password) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("password"));
    }

    internal sealed record Command(string UserId, string Password) : IRequest<Outcome<IReadOnlyList<string>>>, IIdempotent;

    internal sealed record Response(bool Status, IReadOnlyList<string> BackupCodes);

    internal static readonly Refusal NotEnabled = Refusal.BadRequest("TWO_FACTOR_NOT_ENABLED", "Two factor isn't enabled");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/two-factor/generate-backup-codes", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.Password), ct);
                return outcome.ToHttp(codes => WireJson.Ok(new Response(true, codes)));
            })
            .RequireSession()
            .WithName(nameof(GenerateBackupCodes))
            .PartOf(AuthGroup.TwoFactor);
    }

    internal sealed class Handler(IDocumentSession store, OwnPassword own, BackupCodes codes, TimeProvider clock)
        : IRequestHandler<Command, Outcome<IReadOnlyList<string>>>
    {
        public async Task<Outcome<IReadOnlyList<string>>> Handle(Command command, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<User>(command.UserId, ct);
            if (stream.Aggregate is not { } user)
                return Refusal.Unauthorized();
            if (!user.TwoFactorEnabled || await store.LoadAsync<Authenticator>(user.Id, ct) is not { } app)
                return NotEnabled;
            if (await own.Check(user.Id, command.Password, "generate_backup_codes", OwnPassword.Wrong, ct) is { Refusal: { } refusal })
                return refusal;
            var made = BackupCodes.Make();
            store.Store(app.WithBackupCodes(codes.Hash(user.Id, made)));
            stream.AppendOne(new BackupCodesGenerated(user.Id, User.Now(clock)));
            return Outcome.Of(made);
        }
    }
}
