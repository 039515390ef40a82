using MediatR;
using Modular.Audit.Contracts;
using Modular.Store;

namespace Modular.Audit;

/// <summary>Makes any module's read model anew while requests are served: <c>audit rebuild NAME</c>.</summary>
internal static class RebuildReadModel
{
    internal sealed class Handler(ProjectionRebuild projections, SearchRebuild search) :
        IRequestHandler<ListReadModels, IReadOnlyList<string>>,
        IRequestHandler<Contracts.RebuildReadModel, RebuiltReadModel?>
    {
        private IReadOnlyList<string> Names => [SearchRebuild.Name, .. projections.Names];

        public Task<IReadOnlyList<string>> Handle(ListReadModels request, CancellationToken cancellationToken) => Task.FromResult(Names);

        public async Task<RebuiltReadModel?> Handle(Contracts.RebuildReadModel request, CancellationToken cancellationToken)
        {
            if (!Names.Contains(request.Name))
                return null;
            if (request.Name == SearchRebuild.Name)
                return await search.Run(request.Compare, request.Progress, cancellationToken);
            var progress = request.Progress is { } told ? new Told(told) : null;
            var result = await projections.RebuildProjectionAsync(request.Name, request.Compare, progress, cancellationToken);
            return new RebuiltReadModel(result.Name, result.Events, result.Rows, result.Different);
        }
    }

    private sealed class Told(IProgress<LogProgress> progress) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => progress.Report(new LogProgress(value.Done, value.Total, value.Elapsed));
    }
}
