using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>The first key is made, or one that has grown old is replaced; started by <see cref="SigningKeys"/>, not by a route.</summary>
internal static class ReplaceSigningKey
{
    internal const string OncePerKey = "mt_doc_signing_key_uidx_replaces";

    internal static readonly Refusal Overtaken = Refusal.Conflict("key_replaced_already");

    /// <param name="Old">The newest there is; empty: none.</param>
    internal sealed record Command(string Old) : IRequest<Outcome>;

    internal sealed class Handler(IDocumentSession store, Refusals refusals, KeySeal seal, IOptions<JwtOptions> options, TimeProvider clock)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var (known, now) = (await store.QueryAsync<SigningKey>("where true", ct), clock.GetUtcNow());
            var made = seal.Make(command.Old, now);
            // Of several nodes that make one at once, one does.
            refusals.When(OncePerKey, Overtaken);
            store.Insert(made);
            store.Events.Append($"jwt-key/{made.Id}", new SigningKeyMade(made.Id, made.Replaces, made.X, made.Y, now));
            var published = SigningKey.Published(known, options.Value.KeepFor, now);
            foreach (var outdated in known.Except(published).Where(key => key.Id != command.Old))
                store.Delete<SigningKey>(outdated.Id);
            return Outcome.Done;
        }
    }
}
