using MediatR;
using Modular.Identity.Contracts;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>The operator makes many users, to see how all of it bears them: <c>db seed --users</c>.</summary>
internal static class SeedCrowd
{
    internal sealed class Handler(IDocumentSession store, IMediator mediator, TimeProvider clock) : IRequestHandler<Contracts.SeedCrowd, SeededCrowd>
    {
        public async Task<SeededCrowd> Handle(Contracts.SeedCrowd crowd, CancellationToken ct)
        {
            var made = await mediator.Send(
                new SeedUsers([.. crowd.People.Select(face => new SeedUser(face.UserId, face.Name, face.Email))], crowd.Password), ct);
            var now = clock.GetUtcNow();
            foreach (var id in made.New)
                store.Events.StartStream<Profile>(id, new ProfileOpened(id, now));
            return new(made.New.Count, made.Problem);
        }
    }
}
