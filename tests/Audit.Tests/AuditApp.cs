using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;
using Modular.Store;
using Modular.Testing;

namespace Modular.Audit.Tests;

/// <summary>The whole server with two modules more, whose events are easy to make; one sorts before Audit, one after.</summary>
public class AuditApp : App
{
    private readonly Dictionary<string, string?> _settings;

    public AuditApp()
        : this([])
    {
    }

    internal AuditApp(Dictionary<string, string?> settings)
        : base(settings) => _settings = settings;

    public TestSessions Sessions { get; private init; } = new();

    /// <summary>Another server over the same database, with the same modules.</summary>
    public async Task<AuditApp> Another()
    {
        var node = new AuditApp(new(_settings) { ["ConnectionStrings:Modular"] = ConnectionString }) { Sessions = Sessions };
        await node.InitializeAsync();
        return node;
    }

    /// <summary>Commits events in one unit of work.</summary>
    public async Task Append(EventMetadata metadata, params (string Stream, object Event)[] events)
    {
        await using var session = Services.GetRequiredService<IDocumentStore>().LightweightSession(metadata);
        foreach (var (stream, e) in events)
            session.Events.Append(stream, e);
        await session.SaveChangesAsync();
    }

    public Task Append(params (string Stream, object Event)[] events) => Append(new EventMetadata(), events);

    /// <summary>Commits this many events of one stream each, in a few large units of work.</summary>
    public async Task AppendMany(int count, int perUnit = 500)
    {
        for (var done = 0; done < count; done += perUnit)
        {
            var units = Enumerable.Range(done, Math.Min(perUnit, count - done))
                .Select(at => ($"g{at}-{Guid.NewGuid():N}", (object)new GadgetMade($"g{at}", $"owner-{at % 50}", $"Gadget number {at}")));
            await Append([.. units]);
        }
    }

    public async Task<T> Send<T>(MediatR.IRequest<T> request, CancellationToken ct = default)
    {
        await using var scope = Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<MediatR.IMediator>().Send(request, ct);
    }

    protected override void Configure(IServiceCollection services)
    {
        services.ConfigureStore("alpha", store =>
        {
            store.Events.MapEventType<GadgetMade>("gadget.made.1").About(e => e.Owner);
            store.Events.MapEventType<GadgetRefused>("gadget.refused.1").About(e => e.Owner).Refused(e => e.Reason);
        });
        services.ConfigureStore("zulu", store =>
        {
            store.Events.MapEventType<NoteWritten>("note.written.1");
            store.Events.MapEventType<WishMade>("wish.made.1");
        });
    }

    // Real sign-ins would be entries too, and these tests count entries; SearchEntriesTests has one with real ones.
    protected override void Replace(IServiceCollection services) => services.AddSingleton<IActiveSessions>(Sessions);
}

public sealed record GadgetMade(string Id, string Owner, [property: PersonalData] string Name);

public sealed record GadgetRefused(string Id, string Owner, string Reason);

public sealed record NoteWritten(string Id, string Text);

/// <summary>Personal, and about nobody who is known.</summary>
public sealed record WishMade(string Id, [property: PersonalData] string Text);

/// <summary>Sessions by header: <c>X-Test-User: ada admin</c>.</summary>
public sealed class TestSessions : IActiveSessions
{
    private readonly HashSet<string> _revoked = [];

    public void Revoke(string user) => _revoked.Add(user);

    public Task<ActiveSession?> Find(HttpContext context, CancellationToken ct)
    {
        var words = context.Request.Headers["X-Test-User"].ToString().Split(' ');
        return Task.FromResult(words[0].Length == 0 || _revoked.Contains(words[0])
            ? null
            : new ActiveSession($"session-of-{words[0]}", words[0], null, words[1..], DateTimeOffset.UnixEpoch));
    }
}
