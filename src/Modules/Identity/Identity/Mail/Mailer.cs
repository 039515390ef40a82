using System.Globalization;
using Microsoft.Extensions.Options;
using Modular.Messaging;

namespace Modular.Identity;

/// <summary>A mail that somebody is to get; the text is made when it leaves.</summary>
internal sealed record MailWish(MailKind Kind, string To, IReadOnlyDictionary<string, string> Values);

/// <summary>
/// Sends mails through the outbox of the running unit of work: no request waits for a mail server, and no mail tells of
/// what did not happen.
/// </summary>
internal sealed class Mailer(IMessageBus bus, SecretBox secrets, AddressHash hash, IOptions<MailOptions> options, TimeProvider clock)
{
    /// <summary>How long a mail that carries no link is worth sending.</summary>
    private static readonly TimeSpan NoticeLife = TimeSpan.FromDays(1);

    public bool IsOn => options.Value.IsOn;

    /// <summary>A mail with a link; not sent any more once the link is over.</summary>
    public ValueTask SendLink(MailKind kind, string to, LinkWish wish, string link, TimeSpan valid) => Send(
        kind, to, wish.BaseUrl, clock.GetUtcNow() + valid, ("link", link), ("valid", Words(valid)), ("email", wish.Email));

    /// <summary>A mail that asks somebody, who may have no account, to join an organization.</summary>
    public ValueTask SendInvitation(string to, string baseUrl, string link, TimeSpan valid, string organization) => Send(
        MailKind.Invitation, to, baseUrl, clock.GetUtcNow() + valid, ("link", link), ("valid", Words(valid)), ("organization", organization));

    /// <summary>A mail with a code to be typed; not sent any more once the code is over.</summary>
    public ValueTask SendCode(MailKind kind, string to, string baseUrl, string code, TimeSpan valid) => Send(
        kind, to, baseUrl, clock.GetUtcNow() + valid, ("code", code), ("valid", Words(valid)));

    /// <summary>A mail that tells what has happened.</summary>
    public ValueTask SendNotice(MailKind kind, string to, string baseUrl, params ReadOnlySpan<(string Name, string Value)> values) =>
        SendNotice(kind, to, baseUrl, clock.GetUtcNow(), values);

    /// <summary>The same of something that happened at that time.</summary>
    public ValueTask SendNotice(MailKind kind, string to, string baseUrl, DateTimeOffset at, params ReadOnlySpan<(string Name, string Value)> values) => Send(
        kind, to, baseUrl, clock.GetUtcNow() + NoticeLife, [("time", at.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)), .. values]);

    private async ValueTask Deliver(MailWish wish, DateTimeOffset until)
    {
        var id = Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");
        await bus.PublishAsync(new MailRequested(id, secrets.SealJson(wish, MailRequested.Context(id)), until, AddressHash: hash.Of(wish.To)), new DeliveryOptions { DeliverBy = until });
    }

    private ValueTask Send(MailKind kind, string to, string baseUrl, DateTimeOffset until, params ReadOnlySpan<(string Name, string Value)> values)
    {
        if (!IsOn || AnonymousAddress.Is(to) || MissingAddress.Is(to))
            return ValueTask.CompletedTask;
        var filled = new Dictionary<string, string> { ["app"] = options.Value.AppName ?? new Uri(baseUrl).Host, ["email"] = to };
        foreach (var (name, value) in values)
            filled[name] = value;
        return Deliver(new MailWish(kind, to, filled), until);
    }

    private static string Words(TimeSpan valid) =>
        valid < TimeSpan.FromHours(2) ? $"{valid.TotalMinutes:0} minutes" : $"{valid.TotalHours:0} hours";
}
