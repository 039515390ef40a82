using MediatR;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The operator lets the secret in force wrap every key of the database: <c>secrets rotate</c>.</summary>
internal static class RewrapKeys
{
    internal sealed class Handler(IDocumentSession store, KeyRing keys, TimeProvider clock) : IRequestHandler<Contracts.RewrapKeys, IReadOnlyList<string>>
    {
        public async Task<IReadOnlyList<string>> Handle(Contracts.RewrapKeys request, CancellationToken cancellationToken)
        {
            var names = await keys.Rewrap(store, cancellationToken);
            if (names.Count > 0)
                store.Events.Append($"keys:{Guid.CreateVersion7(clock.GetUtcNow()):N}", new KeysRewrapped([.. names], User.Now(clock)));
            return names;
        }
    }
}

/// <summary>Another secret wraps keys of the database now; the keys stay.</summary>
/// <param name="Keys">Their names.</param>
internal sealed record KeysRewrapped(string[] Keys, DateTimeOffset At);
