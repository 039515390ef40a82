using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Sessions;

/// <summary>
/// An administrator, or the operator, has sessions ended now whose time is over, without waiting for the hour:
/// <c>POST /api/sessions/cleanup</c>. The events are whose act it was.
/// </summary>
internal static class CleanUpSessions
{
    internal static readonly Refusal Running = Refusal.Conflict("cleanup_running", "A cleanup is running already");

    /// <summary>Nobody waits longer for an answer, and what is between could cut it.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/sessions/cleanup", async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                context.Response.Headers.CacheControl = "no-store";
                return await mediator.Send(new Contracts.CleanUpSessions(Longest), ct) is { } done ? WireJson.Ok(done) : Running.ToHttp();
            })
            .RequireRole("admin")
            .WithName(nameof(CleanUpSessions))
            .WithTags("sessions")
            .Produces<CleanedUp>()
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    internal sealed class Handler(ExpiredSessionsSweep sweep, Caller caller) : IRequestHandler<Contracts.CleanUpSessions, CleanedUp?>
    {
        public Task<CleanedUp?> Handle(Contracts.CleanUpSessions command, CancellationToken ct) => sweep.Sweep(command, caller, ct);
    }
}
