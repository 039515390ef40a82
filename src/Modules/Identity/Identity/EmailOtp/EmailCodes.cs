using Modular.Kernel;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Identity;

/// <summary>
/// Codes of six digits that show that somebody reads the mail of an address: one per address and kind, the newest; stored as
/// a keyed hash, good for five minutes and for three wrong guesses. For an address that nobody has there is a code too, which
/// is sent to nobody, so that guessing at it answers alike.
/// </summary>
internal sealed class EmailCodes(IDocumentSession store, StoreDatabase database, CodeHash hash, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private const int MostPerHour = 5;

    // A row outlives its code: it remembers how much was mailed within the hour.
    public const string Table = """
        create table {schema}.email_codes (
            key text collate "C" primary key,
            purpose text not null,
            user_id text,
            code text,
            wrong integer not null,
            expires_at timestamptz not null,
            mails integer not null,
            hour_ends timestamptz not null) with (fillfactor = 70);
        create index email_codes_idx_user_id on {schema}.email_codes (user_id) where user_id is not null;
        """;

    // In a transaction of its own, whatever becomes of the request: the row's lock puts guesses one after the other, and the
    // fourth of many at once finds three wrong ones. What is compared are keyed hashes, of which no guess chooses a byte.
    private const string CompareOne = """
        update identity.email_codes set wrong = wrong + (case when code = $2 then 0 else 1 end)
        where key = $1 and code is not null and expires_at > $3 and wrong < 3
        returning code = $2
        """;

    private const string Clear = """
        update identity.email_codes set code = null where key = $1 and code is not null and (expires_at <= $2 or wrong >= 3)
        returning expires_at <= $2
        """;

    /// <summary>Compares a guess, which is counted if it is wrong; null: right. Uses nothing up.</summary>
    public async Task<Refusal?> Compare(CodeKey key, string guess)
    {
        // Not cancelled: hanging up must not buy another guess.
        await using var compare = database.Pooled.CreateCommand(CompareOne);
        compare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hash.OfKey(key) });
        compare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hash.OfCode(key, guess) });
        compare.Parameters.Add(Now());
        if (await compare.ExecuteScalarAsync(CancellationToken.None) is bool isRight)
            return isRight ? null : EmailCodeRefusals.Invalid;

        await using var clear = database.Pooled.CreateCommand(Clear);
        clear.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hash.OfKey(key) });
        clear.Parameters.Add(Now());
        return await clear.ExecuteScalarAsync(CancellationToken.None) switch
        {
            true => EmailCodeRefusals.Expired,
            false => EmailCodeRefusals.TooMany,
            _ => EmailCodeRefusals.None,
        };
    }

    /// <summary>Stages the use of a code that was right: of many uses at once one commits, and the others, run again, find none.</summary>
    public void Use(CodeKey key, string code) => store.QueueSqlCommand(
        1, "update identity.email_codes set code = null where key = ? and code = ?", hash.OfKey(key), hash.OfCode(key, code));

    /// <summary>Stages a new code instead of the last, after <see cref="AreTooMany"/>.</summary>
    /// <param name="userId">Whose address it is; null: nobody's.</param>
    /// <returns>The code, which nobody may ever see but in the mail.</returns>
    public string Issue(CodeKey key, string? userId)
    {
        var code = CodeHash.NewCode();
        Stage(key, userId, hash.OfCode(key, code));
        return code;
    }

    /// <summary>Stages one more mail of another kind, after <see cref="AreTooMany"/>.</summary>
    public void CountMail(CodeKey key, string? userId) => Stage(key, userId, code: null);

    /// <summary>Whether so many mails of this kind went out within the hour that one more would only fill a mailbox.</summary>
    public async Task<bool> AreTooMany(CodeKey key, CancellationToken ct)
    {
        await using var count = database.Pooled.CreateCommand(
            "select 1 from identity.email_codes where key = $1 and hour_ends > $2 and mails >= $3");
        count.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hash.OfKey(key) });
        count.Parameters.Add(Now());
        count.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MostPerHour });
        return await count.ExecuteScalarAsync(ct) is not null;
    }

    /// <summary>Removes what has no use any more, at most so many rows.</summary>
    public static async Task<int> Sweep(StoreDatabase database, DateTimeOffset now, int atMost, CancellationToken ct)
    {
        await using var sweep = database.Pooled.CreateCommand("""
            delete from identity.email_codes where expires_at <= $1 and hour_ends <= $1 and key in (
                select key from identity.email_codes where expires_at <= $1 and hour_ends <= $1 limit $2)
            """);
        sweep.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = now.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        sweep.Parameters.Add(new NpgsqlParameter<int> { TypedValue = atMost });
        return await sweep.ExecuteNonQueryAsync(ct);
    }

    // The sixth mail of an hour touches no row, and so fails the commit: whoever lost a race for the fifth looks again.
    private void Stage(CodeKey key, string? userId, string? code)
    {
        var now = clock.GetUtcNow();
        store.QueueSqlCommand(
            1,
            """
            insert into identity.email_codes as c (key, purpose, user_id, code, wrong, expires_at, mails, hour_ends)
            values (?, ?, ?::text, ?::text, 0, ?, 1, ?)
            on conflict (key) do update set user_id = excluded.user_id, code = excluded.code, wrong = 0, expires_at = excluded.expires_at,
                mails = case when c.hour_ends <= ? then 1 else c.mails + 1 end,
                hour_ends = case when c.hour_ends <= ? then excluded.hour_ends else c.hour_ends end
            where c.hour_ends <= ? or c.mails < ?
            """,
            hash.OfKey(key), key.Purpose, userId, code, now + Life, now + TimeSpan.FromHours(1), now, now, now, MostPerHour);
    }

    private NpgsqlParameter<DateTime> Now() => new() { TypedValue = clock.GetUtcNow().UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}

/// <summary>Which code is meant.</summary>
/// <param name="Purpose">What it is good for, and nothing else: as in <see cref="Verification"/>, so that what makes links void makes codes void.</param>
/// <param name="Owner">One code at a time for each: the address in lower case, or the user who wants another one.</param>
/// <param name="Bound">What else the code is bound to.</param>
internal sealed record CodeKey(string Purpose, string Owner, string Bound = "")
{
    public const string SignInPurpose = "email-otp";

    /// <summary>The contract's names of the kinds.</summary>
    public static readonly string[] Types = ["email-verification", "sign-in", "forget-password", "change-email"];

    public static CodeKey SignIn(string email) => new(SignInPurpose, email);

    public static CodeKey Verification(string email) => new(EmailTicket.Purpose, email);

    public static CodeKey PasswordReset(string email) => new(ResetTicket.Purpose, email);

    /// <summary>The newest wins here too, whichever address it was for.</summary>
    public static CodeKey EmailChange(string userId, string from, string to) => new(EmailTicket.ChangePurpose, $"user:{userId}", $"{from}\n{to}");

    /// <summary>Counts mails to an address that others would like to have.</summary>
    public static CodeKey EmailChangeTo(string email) => new("change-email-to", email);

    public static CodeKey MagicLink(string email) => new(MagicLinkTicket.Purpose, email);

    /// <summary>By the contract's name of a kind of code; nobody's for a change of address, which has routes of its own.</summary>
    public static CodeKey Of(string type, string email) => type switch
    {
        "sign-in" => SignIn(email),
        "email-verification" => Verification(email),
        "forget-password" => PasswordReset(email),
        _ => new(type, email),
    };
}

/// <summary>What codes refuse: contract §7.6.</summary>
internal static class EmailCodeRefusals
{
    public static readonly Refusal Invalid = Refusal.BadRequest("INVALID_OTP", "Invalid OTP");

    /// <summary>There is no code to compare with; looks the same.</summary>
    public static readonly Refusal None = Invalid with { Details = "no_code" };

    public static readonly Refusal Expired = Refusal.BadRequest("OTP_EXPIRED", "OTP expired");

    public static readonly Refusal TooMany = Refusal.Forbidden("TOO_MANY_ATTEMPTS", "Too many attempts");

    public static readonly Refusal InvalidEmail = Refusal.BadRequest("INVALID_EMAIL");

    public static readonly Refusal Same = Refusal.BadRequest("EMAIL_IS_THE_SAME", "Email is the same").WithoutCode();

    public static readonly Refusal UserGone = Refusal.BadRequest("USER_NOT_FOUND", "User not found");

    public static readonly Refusal WrongType = Refusal.BadRequest("INVALID_OTP_TYPE", "Invalid OTP type").WithoutCode();

    public static readonly Refusal NoMail = Refusal.BadRequest("SEND_NOT_IMPLEMENTED", "send email verification is not implemented").WithoutCode();
}
