using Modular.Audit;
using Modular.Identity;
using Modular.Kernel;
using Modular.Profiles;
using Modular.Sessions;

namespace Modular.Host;

/// <summary>The list of modules, written once, here.</summary>
internal static class Modules
{
    public static readonly IReadOnlyList<IModule> All =
        [new IdentityModule(), new SessionsModule(), new ProfilesModule(), new AuditModule()];
}
