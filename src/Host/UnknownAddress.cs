using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Host;

/// <summary>
/// Says at the start when links in mails and the addresses that providers send browsers back to would name an address that
/// was guessed from where we listen: outside Development nobody may be able to open it.
/// </summary>
internal static partial class UnknownAddress
{
    public static void WarnOfUnknownAddress(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<AuthOptions>>().Value.Debug && !app.Environment.IsDevelopment())
            Talks(app.Logger);
        var isNamed = app.Services.GetRequiredService<IOptions<AuthOptions>>().Value.BaseUrl is not null;
        var needsOne = !string.IsNullOrEmpty(app.Configuration["Smtp:Host"]) || app.Configuration.GetSection("Auth:Providers").GetChildren().Any();
        if (isNamed || !needsOne || app.Environment.IsDevelopment())
            return;
        var address = app.Services.GetRequiredService<PublicAddress>();
        app.Lifetime.ApplicationStarted.Register(() => Guessed(app.Logger, address.Known));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Auth:Debug is on: every sign-in is told step by step, with ids of users. Turn it off when you have seen what you were looking for")]
    private static partial void Talks(ILogger log);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Auth:BaseUrl is not set: links in mails and redirects of providers name {Address}, and cookies follow its scheme. Set it to the public URL")]
    private static partial void Guessed(ILogger log, Uri? address);
}
