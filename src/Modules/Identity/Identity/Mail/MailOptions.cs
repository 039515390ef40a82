using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>The settings <c>Smtp:*</c> and <c>Mail:*</c>: how mails leave, and what is in them.</summary>
internal sealed class MailOptions
{
    /// <summary>Null: no mail server. Development then has its mailbox; elsewhere nothing that needs a mail is offered.</summary>
    public string? Host { get; set; }

    /// <summary>587 is for submission (RFC 6409).</summary>
    public int Port { get; set; } = 587;

    public string? Username { get; set; }

    public string? Password { get; set; }

    /// <summary>The sender: <c>no-reply@example.com</c> or <c>Example &lt;no-reply@example.com&gt;</c>.</summary>
    public string? From { get; set; }

    /// <summary>STARTTLS; refused by us when the server does not offer it.</summary>
    public bool Tls { get; set; } = true;

    /// <summary>What the texts call the application; null: the host of the public address.</summary>
    public string? AppName { get; set; }

    /// <summary>A folder with texts that replace ours, by file name.</summary>
    public string? Texts { get; set; }

    /// <summary>Development's own: mails are kept to be read at <c>/dev/mailbox</c>.</summary>
    public bool HasMailbox { get; set; }

    /// <summary>Whether a mail can be sent at all.</summary>
    public bool IsOn => Host is not null || HasMailbox;

    public void Read(IConfiguration configuration, bool isDevelopment)
    {
        Host = configuration.GetValue<string>("Smtp:Host") is { Length: > 0 } host ? host : null;
        Port = configuration.GetValue("Smtp:Port", Port);
        Username = configuration.GetValue<string>("Smtp:Username");
        Password = configuration.GetValue<string>("Smtp:Password");
        From = configuration.GetValue<string>("Smtp:From");
        Tls = configuration.GetValue("Smtp:Tls", Tls);
        AppName = configuration.GetValue<string>("Mail:AppName");
        Texts = configuration.GetValue<string>("Mail:Texts");
        HasMailbox = isDevelopment && Host is null;
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class MailOptionsValidation(IHostEnvironment environment, IOptions<AuthOptions> auth) : IValidateOptions<MailOptions>
{
    public ValidateOptionsResult Validate(string? name, MailOptions options)
    {
        string?[] wrong =
        [
            options.Host is not null && !System.Net.Mail.MailAddress.TryCreate(options.From, out _)
                ? "Smtp:From must be an address such as 'Example <no-reply@example.com>'." : null,
            options.Port is < 1 or > 65535 ? "Smtp:Port must be from 1 to 65535." : null,
            options.Username is null != options.Password is null ? "Smtp:Username and Smtp:Password go together." : null,
            auth.Value.RequireEmailVerification && !options.IsOn
                ? $"Auth:RequireEmailVerification needs Smtp:Host in {environment.EnvironmentName}: nobody could verify an address." : null,
            MailTexts.Problem(options.Texts),
        ];
        var failures = wrong.OfType<string>().ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
