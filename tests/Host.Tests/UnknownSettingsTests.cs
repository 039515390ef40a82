namespace Modular.Host.Tests;

public sealed class UnknownSettingsTests
{
    [Fact]
    public void A_misspelt_setting_is_found_and_a_right_one_in_whatever_case_is_not() => Assert.Equal(
        ["Auth:RequireEmailVerificaton", "Smtp:User"],
        UnknownSettings.Find(
        [
            "Auth:RequireEmailVerificaton", "Smtp:User", "AUTH:REQUIREEMAILVERIFICATION", "Auth:TrustedOrigins:0", "Auth:Providers:google:ClientId",
            "RateLimiting:Rules:0:Path", "Metrics:Token", "Auth:Debug", "Auth:AcceptedSecrets:0", "ConnectionStrings:Other", "Logging:LogLevel:My.Category",
            "MAIL", "PATH", "Kestrel:Limits:MaxConcurrentConnections",
        ]));
}
