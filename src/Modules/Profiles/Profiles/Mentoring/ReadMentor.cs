using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>Whoever is signed in looks at a mentor: <c>GET /api/mentors/{id}</c>.</summary>
internal static class ReadMentor
{
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/mentors/{id}", async (string id, HttpContext context, Caller caller, Mentors mentors, CancellationToken ct) =>
            {
                if (await mentors.Find(caller.Named(id), ct) is not { } profile || await mentors.Active([profile], ct) is not [var (_, person)])
                    return Mentors.NotFound.ToHttp();
                context.Response.Headers.ETag = profile.Tag;
                context.Response.Headers.CacheControl = "no-store";
                return WireJson.Ok(MentorCard.Of(profile, person, null));
            })
            .RequireSession()
            .WithName(nameof(ReadMentor))
            .WithTags("mentoring")
            .Produces<MentorCard>()
            .ProducesProblem(StatusCodes.Status404NotFound);
    }
}
