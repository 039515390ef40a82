using Modular.Identity.Contracts;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// A subject is erased: what <c>audit.search</c> shows of them is made again from the entries, which their key no longer
/// opens, and what failed of their messages tells no more why.
/// </summary>
internal static class ForgetSubject
{
    internal sealed class Handler(IDocumentSession store, SearchForgetting search)
    {
        public async Task Handle(SubjectForgotten message, CancellationToken ct)
        {
            await search.Forget(message.UserId, ct);
            store.ForgetFailures(message.UserId);
        }

        /// <summary>Also by a node of the version before, which knows nothing of the other message.</summary>
        public Task Handle(UserDeleted message, CancellationToken ct) => search.Forget(message.UserId, ct);
    }
}

/// <summary>A look at what is kept of somebody who is erased.</summary>
/// <param name="UserId">Whichever subject it is.</param>
internal sealed record SubjectForgotten(string UserId);
