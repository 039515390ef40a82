using MediatR;
using Modular.Audit.Contracts;

namespace Modular.Audit;

/// <summary>The log signs what was given out of it; started by an export, not by a route.</summary>
internal static class SignManifest
{
    internal sealed class Handler(Checkpoints checkpoints, LogTree tree, LogKeys keys, TimeProvider clock) :
        IRequestHandler<Contracts.SignManifest, SignedManifest>,
        IRequestHandler<SignCheckpoint, SignedCheckpoint>
    {
        public async Task<SignedManifest> Handle(Contracts.SignManifest request, CancellationToken cancellationToken)
        {
            var checkpoint = await checkpoints.Current(cancellationToken);
            var size = checkpoint.Checkpoint.Size;
            if (request.From < 0 || request.From > request.To || request.To > size)
                throw new ArgumentException($"The log has {size} entries; a part from {request.From} to {request.To} is none of it.", nameof(request));
            var isWhole = request.Filter is null && request.Entries == request.To - request.From;
            var manifest = new ExportManifest(
                checkpoint.Checkpoint.Origin, clock.GetUtcNow(), request.Format, request.Sha256, request.Bytes, request.Entries, request.From, request.To,
                request.Filter,
                isWhole ? Text(await tree.Edge(request.From, cancellationToken)) : null,
                isWhole ? Text(await Tiles(request.From, request.To, cancellationToken)) : null,
                isWhole ? Text(await tree.Consistency(request.To, size, cancellationToken)) : null,
                checkpoint.Note.ToString());
            var text = manifest.ToText();
            return new SignedManifest(
                new SignedNote(text, keys.Sign(await keys.Identity(cancellationToken), text)).ToString(), manifest.Checkpoint);
        }

        public async Task<SignedCheckpoint> Handle(SignCheckpoint request, CancellationToken cancellationToken)
        {
            var checkpoint = await checkpoints.Current(cancellationToken);
            return new SignedCheckpoint(checkpoint.Note.ToString(), checkpoint.Checkpoint.Size);
        }

        private Task<IReadOnlyList<byte[]>> Tiles(long from, long to, CancellationToken ct)
        {
            var (first, end) = ExportManifest.TilesWithin(from, to);
            return tree.Below(1, first, end, ct);
        }

        private static List<string>? Text(IReadOnlyList<byte[]>? hashes) => hashes?.Select(Convert.ToBase64String).ToList();
    }
}
