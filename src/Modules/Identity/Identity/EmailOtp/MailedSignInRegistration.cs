using Microsoft.Extensions.DependencyInjection;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The share of magic links and of codes by mail in the module.</summary>
internal static class MailedSignInRegistration
{
    public static MessagingOptions PublishMailedSignIn(this MessagingOptions messages) => messages
        .PublishMessage<MagicLinkRequested>("identity.magic_link_requested.1")
        .PublishMessage<EmailCodeRequested>("identity.email_code_requested.1")
        .PublishMessage<EmailChangeCodeRequested>("identity.email_change_code_requested.1");

    public static IServiceCollection AddMailedSignIn(this IServiceCollection services) => services
        .AddSingleton<CodeHash>()
        .AddScoped<EmailCodes>()
        .AddScoped<EmailCodeCheck>()
        .AddScoped<MailedSecrets>()
        .AddScoped<UnprovenAccess>()
        .AddScoped<MailboxSignIn>()
        .AddHostedService<EmailCodesSweep>();

    public static void AddMailedSignIn(this StoreOptions store)
    {
        store.Events.MapEventType<MagicLinkSent>("magic_link.sent.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash));
        store.Events.MapEventType<MagicLinkUsed>("magic_link.used.1").About(e => e.UserId);
        store.Events.MapEventType<EmailCodeSent>("email_code.sent.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash));
        store.Events.MapEventType<EmailCodeUsed>("email_code.used.1").About(e => e.UserId);
        store.Events.MapEventType<EmailCodeRefused>("email_code.refused.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash)).Refused(e => e.Reason);
        store.Events.MapEventType<EmailChangeCodeSent>("user.email_change_code_sent.1").About(e => e.UserId);
        store.Events.MapEventType<MailNotSent>("user.mail_not_sent.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash)).Refused(e => e.Reason);
        store.Storage.Script("020-email-codes", EmailCodes.Table);
    }
}
