using System.Globalization;
using MediatR;
using Modular.Kernel;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody is told by mail about an office session of theirs, on their own clock.</summary>
internal static class TellOfOfficeSession
{
    internal sealed class Handler(IDocumentSession store, IMediator mediator, Mailer mailer, PublicAddress address)
    {
        public async Task Handle(OfficeSessionTold message, CancellationToken ct)
        {
            if (!mailer.IsOn || address.Known is not { } baseUrl || await store.LoadAsync<User>(message.UserId, ct) is not { } user)
                return;
            // As it is now: what was agreed when the message was written may be off since then.
            if (await mediator.Send(new DescribeOfficeSession(message.SessionId, message.UserId), ct) is not { } session || !IsStillSo(message.News, session.Status))
                return;
            await mailer.SendNotice(KindOf(message.News), user.Email, baseUrl.ToString(), ("time", Local(message.StartsAt, session.TimeZone)));
        }
    }

    internal static bool IsStillSo(OfficeSessionNews news, string status) => news switch
    {
        OfficeSessionNews.Requested => status == "requested",
        OfficeSessionNews.Confirmed or OfficeSessionNews.Reminder => status == "confirmed",
        OfficeSessionNews.Declined => status == "declined",
        _ => status == "cancelled",
    };

    /// <summary>On the clock of whoever is told; in UTC where they have not said which one that is.</summary>
    internal static string Local(DateTimeOffset at, string? timeZone)
    {
        if (timeZone is null || !TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out var zone))
            return at.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        return $"{TimeZoneInfo.ConvertTime(at, zone).ToString("yyyy-MM-dd HH:mm '(UTC'zzz')'", CultureInfo.InvariantCulture)} {timeZone}";
    }

    private static MailKind KindOf(OfficeSessionNews news) => news switch
    {
        OfficeSessionNews.Requested => MailKind.OfficeSessionRequested,
        OfficeSessionNews.Confirmed => MailKind.OfficeSessionConfirmed,
        OfficeSessionNews.Declined => MailKind.OfficeSessionDeclined,
        OfficeSessionNews.Cancelled => MailKind.OfficeSessionCancelled,
        _ => MailKind.OfficeSessionReminder,
    };
}
