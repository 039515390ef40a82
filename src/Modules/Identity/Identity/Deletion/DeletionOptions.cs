using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The settings <c>Identity:*</c>.</summary>
internal sealed class DeletionOptions
{
    /// <summary>How long the row of a deleted user stays in <c>neon_auth.users_sync</c>, with what references it; zero: not at all.</summary>
    public TimeSpan PurgeAfter { get; set; }

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Identity");
        PurgeAfter = section.GetValue(nameof(PurgeAfter), PurgeAfter);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class DeletionOptionsValidation : IValidateOptions<DeletionOptions>
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3660);

    public ValidateOptionsResult Validate(string? name, DeletionOptions options) => options.PurgeAfter >= TimeSpan.Zero && options.PurgeAfter <= Longest
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail("Identity:PurgeAfter must not be negative, and at most ten years.");
}

/// <summary>What the end of users' rows needs of the container and of the store.</summary>
internal static class PurgeRegistration
{
    public static void AddPurge(this IServiceCollection services)
    {
        services.AddOptions<DeletionOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<DeletionOptions>, DeletionOptionsValidation>());
        services.AddSingleton<PurgeSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<PurgeSweep>());
    }

    public static void StorePurge(this StoreOptions store)
    {
        store.Events.MapEventType<UserPurged>("user.purged.1").About(e => e.UserId);
        store.Storage.Script("users-sync-deleted-at", UsersSync.DeletedIndex);
    }
}
