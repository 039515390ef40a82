using MediatR;
using Modular.Kernel;
using Modular.Messaging;

namespace Modular.Identity;

/// <summary>
/// A sign-up, a sign-in of somebody unverified, or they themselves want the verification mail. Who has the address is
/// looked up afterwards, by <see cref="SendVerificationLink"/>: asking takes the same time for every address.
/// </summary>
internal static class RequestVerificationLink
{
    internal sealed class Handler(IMessageBus bus, SecretBox secrets) : IRequestHandler<AskVerification, Outcome>
    {
        public async Task<Outcome> Handle(AskVerification command, CancellationToken ct)
        {
            await bus.PublishAsync(new VerificationRequested(secrets.SealJson(command.Wish, VerificationRequested.Context)));
            return Outcome.Done;
        }
    }
}

/// <summary>A link to verify an address is wanted; joins the asker's unit of work.</summary>
internal sealed record AskVerification(LinkWish Wish) : IRequest<Outcome>, IIdempotent;

/// <param name="Wish">A <see cref="LinkWish"/>, sealed.</param>
internal sealed record VerificationRequested(string Wish)
{
    public const string Context = "verification-requested";
}
