using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Profiles;

/// <summary>The settings <c>OfficeSessions:*</c>.</summary>
internal sealed class OfficeSessionOptions
{
    /// <summary>An office session is asked for so long before it begins.</summary>
    public TimeSpan BookingNotice { get; set; } = TimeSpan.FromHours(1);

    /// <summary>One that is agreed is cancelled so long before it begins, or by those who look after people.</summary>
    public TimeSpan CancelNotice { get; set; } = TimeSpan.FromHours(12);

    /// <summary>Both sides are reminded by mail so long before; zero: they are not.</summary>
    public TimeSpan RemindBefore { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Most office sessions that a mentee asks for in a day, whatever became of them: each is a mail to somebody.</summary>
    public int MaxRequestsPerDay { get; set; } = 20;

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("OfficeSessions");
        BookingNotice = section.GetValue(nameof(BookingNotice), BookingNotice);
        CancelNotice = section.GetValue(nameof(CancelNotice), CancelNotice);
        RemindBefore = section.GetValue(nameof(RemindBefore), RemindBefore);
        MaxRequestsPerDay = section.GetValue(nameof(MaxRequestsPerDay), MaxRequestsPerDay);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class OfficeSessionOptionsValidation : IValidateOptions<OfficeSessionOptions>
{
    private static readonly TimeSpan Most = TimeSpan.FromDays(30);

    public ValidateOptionsResult Validate(string? name, OfficeSessionOptions options)
    {
        List<string> wrong =
        [
            .. Problem("OfficeSessions:BookingNotice", options.BookingNotice),
            .. Problem("OfficeSessions:CancelNotice", options.CancelNotice),
            .. Problem("OfficeSessions:RemindBefore", options.RemindBefore),
            .. options.MaxRequestsPerDay < 1 ? ["OfficeSessions:MaxRequestsPerDay must be at least 1."] : Array.Empty<string>(),
        ];
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }

    private static IEnumerable<string> Problem(string key, TimeSpan value) =>
        value < TimeSpan.Zero || value > Most ? [$"{key} must be from zero to {Most.TotalDays:0} days."] : [];
}
