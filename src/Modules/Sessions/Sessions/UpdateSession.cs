using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// A page changes fields of its session: <c>POST /update-session</c>. Only fields that a server adds could be changed, and
/// ours adds none, so there is never anything to update (contract §6.7).
/// </summary>
internal static class UpdateSession
{
    internal static readonly Refusal NothingToUpdate = Refusal.BadRequest("NO_FIELDS_TO_UPDATE", "No fields to update").WithoutCode();

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/update-session", new AuthPost { BodyKind = "record" }, (WireBody _) => NothingToUpdate.ToHttp())
            .RequireSession()
            .WithName(nameof(UpdateSession));
    }
}
