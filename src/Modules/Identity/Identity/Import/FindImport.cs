using MediatR;
using Modular.Identity.Contracts;

namespace Modular.Identity;

/// <summary>The operator's command asks how far an import has got: <c>users import</c>.</summary>
internal static class FindImport
{
    internal sealed class Handler(ImportLedger ledger) : IRequestHandler<Contracts.FindImport, ImportProgress?>
    {
        public Task<ImportProgress?> Handle(Contracts.FindImport request, CancellationToken cancellationToken) => ledger.Find(request.Run, cancellationToken);
    }
}
