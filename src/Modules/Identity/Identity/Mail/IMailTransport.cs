using System.Net.Mail;
using System.Net.Mime;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Identity;

/// <summary>How a mail leaves.</summary>
internal interface IMailTransport
{
    /// <exception cref="MailFailedException">It did not leave.</exception>
    Task Send(Mail mail, CancellationToken ct);
}

/// <summary>A mail did not leave.</summary>
/// <param name="message">Without address or text: it is logged.</param>
/// <param name="isFinal">The server will not take it later either.</param>
internal sealed class MailFailedException(string message, bool isFinal, Exception inner) : Exception(message, inner)
{
    public bool IsFinal => isFinal;
}

/// <summary>The operator's mail server, by SMTP submission.</summary>
internal sealed class SmtpTransport(IOptions<MailOptions> options) : IMailTransport
{
    /// <summary>For the whole conversation; a slow server holds no worker longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int LongestLine = 998;

    public async Task Send(Mail mail, CancellationToken ct)
    {
        var smtp = options.Value;
        using var client = new SmtpClient(smtp.Host, smtp.Port) { EnableSsl = smtp.Tls };
        if (smtp.Username is not null)
            client.Credentials = new System.Net.NetworkCredential(smtp.Username, smtp.Password);
        var text = mail.Text.ReplaceLineEndings("\r\n");
        using var message = new MailMessage(smtp.From!, mail.To, mail.Subject, text);
        // The framework's quoted-printable writes line breaks as =0D=0A, against RFC 2045 6.7: readers see one long line.
        message.BodyTransferEncoding = IsPlain(text) ? TransferEncoding.SevenBit : TransferEncoding.Base64;
        // The same for every attempt, so that a server may tell a repetition.
        message.Headers.Add("Message-ID", $"<{mail.Id}@{new MailAddress(smtp.From!).Host}>");
        // Keeps vacation notices away (RFC 3834).
        message.Headers.Add("Auto-Submitted", "auto-generated");
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(Patience);
        try
        {
            await client.SendMailAsync(message, timeout.Token);
        }
        catch (SmtpException failure)
        {
            throw new MailFailedException($"The mail server refused: {failure.StatusCode}.", IsFinal(failure), failure);
        }
        catch (Exception failure) when (failure is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            throw new MailFailedException("The mail server was not reached.", isFinal: false, failure);
        }
        catch (OperationCanceledException failure) when (!ct.IsCancellationRequested)
        {
            throw new MailFailedException($"The mail server took longer than {Patience.TotalSeconds:0} s.", isFinal: false, failure);
        }
    }

    // Without characters or lines that would have to be encoded (RFC 5322 2.1.1).
    private static bool IsPlain(string text) => Ascii.IsValid(text) && text.Split("\r\n").All(line => line.Length <= LongestLine);

    // 5yz about the mailbox or the message (RFC 5321 4.2.1); about the connection or our credentials an operator can help.
    private static bool IsFinal(SmtpException failure) => failure.StatusCode is
        SmtpStatusCode.MailboxUnavailable or SmtpStatusCode.MailboxNameNotAllowed or SmtpStatusCode.UserNotLocalTryAlternatePath
        or SmtpStatusCode.ExceededStorageAllocation;
}

/// <summary>A mail that Development keeps.</summary>
/// <param name="Content">A <see cref="Mail"/>, sealed: the links in it are as good as elsewhere.</param>
/// <param name="AddressHash">Of whom it went to; null where it is older than this member.</param>
internal sealed record DevelopmentMail(string Id, string Content, DateTimeOffset At, string? AddressHash = null)
{
    public static string Context(string id) => $"development-mail/{id}";
}

/// <summary>Development's mailbox: in the database, so that every node shows every mail.</summary>
internal sealed class DevelopmentMailbox(IDocumentSession store, SecretBox secrets, AddressHash hash, TimeProvider clock) : IMailTransport
{
    /// <summary>The latest that are kept.</summary>
    public const int Kept = 1000;

    public Task Send(Mail mail, CancellationToken ct)
    {
        store.Store(new DevelopmentMail(mail.Id, secrets.SealJson(mail, DevelopmentMail.Context(mail.Id)), clock.GetUtcNow(), hash.Of(mail.To)));
        store.QueueSqlCommand(
            "delete from identity.mt_doc_development_mail where id <= (select id from identity.mt_doc_development_mail order by id desc offset ? limit 1)",
            Kept);
        return Task.CompletedTask;
    }
}
