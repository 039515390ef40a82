using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// At start, when nobody is an administrator, the operator's <c>Admin:Email</c> becomes one. Somebody who has registered
/// that address already gets the operator's password too, and their sessions end: they may be a stranger who came first.
/// </summary>
internal static class MakeFirstAdministrator
{
    /// <param name="Email">In lower case.</param>
    internal sealed record Command(string Email, string Password) : IRequest<Outcome>, IIdempotent;

    /// <summary>Another node was faster, or somebody registered the address just now: worth another look.</summary>
    internal static readonly Refusal Overtaken = Refusal.Conflict("administrator_made_elsewhere");

    internal sealed class AtStart(IServiceScopeFactory scopes, IOptions<AdminOptions> options) : IHostedService
    {
        private const int Tries = 3;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            if (options.Value is not { Email: { } email, Password: { } password })
                return;
            var outcome = new Outcome(Overtaken);
            for (var attempt = 1; attempt <= Tries && outcome.Refusal == Overtaken; attempt++)
            {
                await using var scope = scopes.CreateAsyncScope();
                var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
                outcome = await mediator.Send(new Command(email, password), cancellationToken);
            }

            if (outcome.Refusal is { } refusal)
                throw new InvalidOperationException($"The first administrator (Admin:Email) was not made: {refusal.Code}.");
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    internal sealed class Handler(IDocumentSession store, Registration registration, PasswordQueue passwords, Promotion promotion)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            const string IsAdministrator = "where string_to_array(d.role, ',') @> array[?] limit 1";
            if ((await store.QueryAsync<User>(IsAdministrator, ct, User.AdminRole)).Count > 0)
                return Outcome.Done;
            var hash = await passwords.Hash(command.Password, ct);
            if (hash.Refusal is { } busy)
                return busy;

            if (await registration.Find(command.Email, ct) is { } user)
            {
                // Another node may have made them since nobody was found to be one.
                if (!user.Roles.Contains(User.AdminRole))
                    await promotion.Promote(user, hash.Answer, "first_administrator", ct);
                return Outcome.Done;
            }

            promotion.Expect(Overtaken);
            var administrator = new NewUser("Administrator", command.Email, EmailVerified: true, Role: User.AdminRole);
            await registration.Register(administrator, hash.Answer);
            return Outcome.Done;
        }
    }
}
