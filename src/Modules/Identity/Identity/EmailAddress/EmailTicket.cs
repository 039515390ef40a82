namespace Modular.Identity;

/// <summary>What a link of a verification mail stands for.</summary>
/// <param name="Email">The user's address when it was sent: once they have another, the link is void.</param>
/// <param name="UpdateTo">The address that they want instead; null: the link verifies the one they have.</param>
/// <param name="IsConfirmation">It went to the old address: the new one is asked next.</param>
/// <param name="SignUp">Of the sign-up that asked for it, when the address was registered, and not verified, before.</param>
internal sealed record EmailTicket(string UserId, string Email, string? UpdateTo = null, bool IsConfirmation = false, SignUpAgain? SignUp = null)
{
    public const string Purpose = "verify-email";

    /// <summary>Of links that change the address: whoever ends somebody else's access makes them void.</summary>
    public const string ChangePurpose = "change-email";

    public static readonly TimeSpan Life = TimeSpan.FromHours(1);
}

/// <summary>
/// What somebody chose who signed up with an address that was registered and not verified. Whoever opens the link of their
/// mail shows that the address is theirs, so it is this that counts then, and not what a stranger chose who came first.
/// </summary>
internal sealed record SignUpAgain(string Name, string PasswordHash);

/// <summary>Stages a <see cref="EmailTicket"/> and the mail that carries it.</summary>
internal sealed class EmailLinks(Verifications verifications, Mailer mailer)
{
    public Task<bool> AreTooMany(string purpose, string userId, CancellationToken ct) => verifications.AreTooMany(purpose, userId, ct);

    /// <summary>To the address that the ticket is to prove.</summary>
    /// <param name="wish">Its address is the one that the text names.</param>
    public Task Send(EmailTicket ticket, LinkWish wish) =>
        Send(ticket, wish, verifications.IssueLimited(PurposeOf(ticket), ticket, EmailTicket.Life, ticket.UserId));

    private async Task Send(EmailTicket ticket, LinkWish wish, string token)
    {
        var (kind, to) = ticket switch
        {
            { UpdateTo: null } => (MailKind.VerifyEmail, ticket.Email),
            { IsConfirmation: true } => (MailKind.ConfirmEmailChange, ticket.Email),
            _ => (MailKind.ChangeEmail, ticket.UpdateTo),
        };
        await mailer.SendLink(kind, to, wish, wish.Link("verify-email", token, wish.CallbackUrl ?? "/"), EmailTicket.Life);
    }

    private static string PurposeOf(EmailTicket ticket) => ticket.UpdateTo is null ? EmailTicket.Purpose : EmailTicket.ChangePurpose;
}
