using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;

namespace Modular.Architecture.Planted;

// What the rules forbid, for the tests that show that they do.
#pragma warning disable CA1822, CA1852

public sealed class PlantedModule : IModule
{
    public string Name => "Planted";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
    }
}

public sealed record ShownRecord(string Id);

public record OpenRecord(string Id);

public sealed record SettableRecord
{
    public string Id { get; set; } = "";
}

public sealed class SettableClass
{
    public string Id { get; set; } = "";
}

public enum Kind
{
    One,
}

internal static class PlantedTarget
{
    internal sealed record Command(string Id) : IRequest<Outcome>;

    internal sealed class Handler : IRequestHandler<Command, Outcome>
    {
        public Task<Outcome> Handle(Command request, CancellationToken cancellationToken) => Task.FromResult(Outcome.Done);
    }
}

internal static class PlantedReach
{
    internal sealed record Command : IRequest<Outcome>;

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Command, Outcome>
    {
        // The reach is inside the state machine that the compiler makes of an async body.
        public async Task<Outcome> Handle(Command request, CancellationToken cancellationToken)
        {
            await Task.Yield();
            return await mediator.Send(new PlantedTarget.Command("x"), cancellationToken);
        }
    }
}

internal static class PlantedClock
{
    public static async Task<string> Take()
    {
        await Task.Yield();
        return $"{DateTimeOffset.UtcNow} {Guid.NewGuid()} {Guid.CreateVersion7()}";
    }
}

internal sealed class PlantedAsking(TimeProvider clock)
{
    public string Ask() => $"{clock.GetUtcNow()} {Guid.CreateVersion7(clock.GetUtcNow())} {clock.GetTimestamp()}";
}
