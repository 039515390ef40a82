using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What every route of the group has.</summary>
internal static class AdminRoutes
{
    public static readonly Refusal UserNotFound = Refusal.NotFound("USER_NOT_FOUND", "User not found");

    /// <summary>401 without a body unless signed in (contract §7.1); 404 while the group is off.</summary>
    public static RouteHandlerBuilder OfAdmin(this RouteHandlerBuilder route, string name) => route
        .AddEndpointFilter(async (invocation, next) => await SignedInExtensions.Identify(invocation.HttpContext) is null
            ? Refusal.Unauthorized().WithoutBody().ToHttp()
            : await next(invocation))
        .WithName(name)
        .ProducesProblem(StatusCodes.Status401Unauthorized)
        .PartOf(AuthGroup.Admin);
}
