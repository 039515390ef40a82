using Microsoft.Extensions.Options;
using Modular.Audit.Contracts;

namespace Modular.Audit;

/// <summary>Sinks as operators see them.</summary>
internal sealed class SinkReport(SinkStates states, EntryLog log, IOptions<SinksOptions> options)
{
    public async Task<IReadOnlyList<SinkStatus>> All(CancellationToken ct)
    {
        var (head, known) = (await log.Head(ct), (await states.All(ct)).ToDictionary(state => state.Name));
        var names = options.Value.All.Keys.Union(known.Keys).Order(StringComparer.Ordinal);
        return [.. names.Select(name => Status(name, options.Value.All.GetValueOrDefault(name), known.GetValueOrDefault(name), head))];
    }

    public async Task<SinkStatus?> Of(string name, CancellationToken ct) => (await All(ct)).SingleOrDefault(sink => sink.Name == name);

    private static SinkStatus Status(string name, SinkOptions? sink, SinkState? state, long head)
    {
        var next = state?.Next ?? (sink?.FromNow == true ? head : 0);
        var word = sink is null ? "not_configured" : state?.IsPaused == true ? "paused" : state?.Attempts > 0 ? "failing" : "running";
        return new SinkStatus(
            name, word, sink?.Url, next, Math.Max(0, head - next), state?.Attempts ?? 0, state?.NextAttempt, state?.LastSuccess, state?.LastError);
    }
}
