using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Modular.Audit.Contracts;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Audit;

/// <summary>The module as the Host sees it.</summary>
public sealed class AuditModule : IModule
{
    public string Name => "Audit";

    /// <summary>
    /// Checks an exported part of the log with nothing but what is given: no server, no database. Static, because whoever
    /// checks may have neither.
    /// </summary>
    public static async Task<VerifiedExport> VerifyExport(VerifyExport request, CancellationToken ct)
    {
        await using var file = File.OpenRead(request.File);
        var keys = request.Keys.Select(key => NoteKey.Read(key) ?? throw new InvalidOperationException($"'{key}' is no key of a log (name+id+base64).")).ToList();
        var found = await ExportCheck.Run(file, request.Manifest, request.Checkpoints, keys, position => request.Progress?.Report(position), ct);
        return new VerifiedExport(
            found.From, found.To, found.FirstWrong, found.Problem, found.WrongBefore, found.Checkpoint?.Origin, found.Checkpoint?.Size,
            found.Checkpoint is { } checkpoint ? Convert.ToHexStringLower(checkpoint.Root) : null, found.IsSigned);
    }

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
        services.ConfigureStore("audit", store =>
        {
            store.Storage.Script("001-entries", LogSchema.Entries);
            store.Storage.Script("002-search", LogSchema.Search);
            store.AddProof();
            store.Storage.Script("003-search-columns", LogSchema.SearchColumns);
            store.Storage.Partitions("entries", LogSchema.PartitionByName);
            store.StoreErasure();
            store.StoreSinks();
            store.StoreRetention();
            store.Projections.Subscribe<SealEntries>(SealEntries.Name);
            RefusalRegistration.Store(store);
        });
        services.ConfigureMessaging("audit", typeof(AuditModule).Assembly, messages => messages
            .PublishMessage<SubjectForgotten>("audit.subject_forgotten.1"));
        services.AddErasure();
        services.AddSinks();
        services.AddRetention();
        services.AddSingleton<SealingMetrics>();
        services.AddSingleton<EntryLog>();
        services.AddSingleton<LogRows>();
        services.AddSingleton<SearchRebuild>();
        services.AddSingleton<ReplayAccess>();
        services.AddProof();
        services.AddSingleton<Histograms>();
        services.AddSingleton<PastPeople>();
        services.AddScoped<OrganizationReaders>();
        RefusalRegistration.Services(services);
    }
}
