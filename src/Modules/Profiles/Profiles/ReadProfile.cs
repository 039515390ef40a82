using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Somebody reads their own profile, or one that they may see: <c>GET /api/profiles/{id}</c>, of which <c>me</c> is the caller's.
/// </summary>
internal static class ReadProfile
{
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/profiles/{id}", async (string id, HttpContext context, Caller caller, IQuerySession store, ProfileReading reading, CancellationToken ct) =>
            {
                // Signed in or not: a public profile is everybody's.
                await SignedInExtensions.Identify(context);
                if (id == "me" && caller.UserId is null)
                    return Refusal.Unauthorized().ToHttp();
                var userId = caller.Named(id);
                var profile = await store.LoadAsync<Profile>(userId, ct) ?? Profile.Unopened(userId);
                // What is private and what does not exist answer alike.
                return caller.Sees(profile) && await reading.Whole(profile, ct) is { } whole
                    ? ProfileAnswer.Of(context, whole)
                    : ProfileStreams.NotFound.ToHttp();
            })
            .WithName(nameof(ReadProfile))
            .WithTags("profiles")
            .Produces<ProfileAnswer>()
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }
}
