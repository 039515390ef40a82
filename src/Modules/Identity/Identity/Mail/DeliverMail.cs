using Microsoft.Extensions.Logging;
using Modular.Messaging;

namespace Modular.Identity;

/// <summary>A mail that somebody is to get leaves, on a queue of its own: a slow mail server delays mails and nothing else.</summary>
internal static partial class DeliverMail
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    internal sealed class Handler(MailTexts texts, SecretBox secrets, IMailTransport transport, IMessageBus bus, TimeProvider clock, ILogger<Handler> log)
    {
        public async Task Handle(MailRequested message, CancellationToken ct)
        {
            var wish = secrets.OpenJson<MailWish>(message.Wish, MailRequested.Context(message.Id))
                ?? throw new InvalidOperationException("The mail was sealed with another Auth:Secret.");
            try
            {
                await transport.Send(texts.Render(message.Id, wish), ct);
            }
            catch (MailFailedException failure) when (failure.IsFinal)
            {
                Refused(log, message.Id, wish.Kind, failure.Message);
            }
            catch (MailFailedException failure)
            {
                // Not by the queue's own retries: they give up within minutes, and a mail server may be down for an hour.
                var pause = PauseAfter(message.Attempts);
                Postponed(log, message.Id, wish.Kind, pause, failure.Message);
                await bus.PublishAsync(
                    message with { Attempts = message.Attempts + 1 },
                    new DeliveryOptions { ScheduledTime = clock.GetUtcNow() + pause, DeliverBy = message.Until });
            }
        }
    }

    internal static TimeSpan PauseAfter(int attempts) =>
        TimeSpan.FromSeconds(Math.Min(FirstPause.TotalSeconds * Math.Pow(2, attempts), LongestPause.TotalSeconds));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Mail {Id} ({Kind}) did not leave, again in {Pause}: {Problem}")]
    private static partial void Postponed(ILogger log, string id, MailKind kind, TimeSpan pause, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Mail {Id} ({Kind}) is refused for good: {Problem}")]
    private static partial void Refused(ILogger log, string id, MailKind kind, string problem);
}

/// <summary>A mail is to be sent.</summary>
/// <param name="Wish">A <see cref="MailWish"/>, sealed: it holds an address and often a link.</param>
/// <param name="Until">When it is not worth sending any more.</param>
/// <param name="AddressHash">Of whom it goes to, so that it can be withdrawn.</param>
internal sealed record MailRequested(string Id, string Wish, DateTimeOffset Until, int Attempts = 0, string? AddressHash = null)
{
    public const string StoredName = "identity.mail_requested.1";

    public static string Context(string id) => $"mail/{id}";
}
