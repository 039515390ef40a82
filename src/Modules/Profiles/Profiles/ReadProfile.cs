using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>A user reads their own profile: <c>GET /api/profiles/me</c>.</summary>
internal static class ReadOwnProfile
{
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/profiles/me", async (HttpContext context, Caller caller, IQuerySession store, CancellationToken ct) =>
            {
                var profile = await store.LoadAsync<Profile>(caller.UserId!, ct) ?? Profile.Unopened(caller.UserId!);
                return ProfileAnswer.Of(context, profile);
            })
            .RequireSession()
            .WithName(nameof(ReadOwnProfile))
            .WithTags("profiles")
            .Produces<ProfileAnswer>();
    }
}
