using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Who becomes the first administrator: <c>Admin:Email</c> and <c>Admin:Password</c>, both or neither.</summary>
internal sealed class AdminOptions
{
    public string? Email { get; set; }

    public string? Password { get; set; }

    public void Read(IConfiguration configuration)
    {
        Email = NotEmpty(configuration["Admin:Email"])?.ToLowerInvariant();
        Password = NotEmpty(configuration["Admin:Password"]);
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class AdminOptionsValidation : IValidateOptions<AdminOptions>
{
    public ValidateOptionsResult Validate(string? name, AdminOptions options) => options switch
    {
        { Email: null, Password: null } => ValidateOptionsResult.Success,
        { Email: null } => ValidateOptionsResult.Fail("Admin:Password is set and Admin:Email is not."),
        { Password: null } => ValidateOptionsResult.Fail("Admin:Email is set and Admin:Password is not."),
        { Email: var email } when !WireBody.IsEmail(email) => ValidateOptionsResult.Fail($"Admin:Email is no e-mail address: '{email}'."),
        { Password.Length: < PasswordOptions.ShortestPassword or > PasswordOptions.LongestPassword } => ValidateOptionsResult.Fail(
            $"Admin:Password must have {PasswordOptions.ShortestPassword} to {PasswordOptions.LongestPassword} characters."),
        _ => ValidateOptionsResult.Success,
    };
}
