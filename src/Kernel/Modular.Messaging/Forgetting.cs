using Modular.Store;

namespace Modular.Messaging;

/// <summary>What messages keep of somebody who is erased: they carry ids and facts, but a failure may have said more.</summary>
public static class Forgetting
{
    private const string Why = "Erased with its subject.";

    // Who acted, whose turn it was, or whom the message names.
    private const string Theirs = "(actor = ? or group_id = ? or body::text like '%' || ? || '%')";

    /// <summary>Stages that what failed of a person's messages tells no more why; the messages themselves stay.</summary>
    public static void ForgetFailures(this IDocumentOperations session, string subject)
    {
        session.QueueSqlCommand(
            $"update {MessagingSchema.Name}.dead_letters set exception_message = ? where exception_message <> ? and {Theirs}",
            Why, Why, subject, subject, subject);
        session.QueueSqlCommand(
            $"update {MessagingSchema.Name}.incoming_envelopes set last_error = ? where last_error <> ? and {Theirs}",
            Why, Why, subject, subject, subject);
    }

    /// <summary>
    /// Stages that messages of one type which have this member are neither delivered nor kept as dead letters. Of one that is
    /// being handled right now the handling counts for nothing.
    /// </summary>
    public static void Withdraw(this IDocumentOperations session, string messageType, string member, IReadOnlyCollection<string> values)
    {
        foreach (var table in (string[])["incoming_envelopes", "dead_letters"])
        {
            session.QueueSqlCommand(
                $"delete from {MessagingSchema.Name}.{table} where message_type = ? and body ->> ? = any(?)", messageType, member, values.ToArray());
        }
    }
}
