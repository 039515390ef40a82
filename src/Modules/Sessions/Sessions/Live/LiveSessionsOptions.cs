using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Sessions;

/// <summary>How much a node remembers: <c>Sessions:TableMegabytes</c>.</summary>
internal sealed class LiveSessionsOptions
{
    /// <summary>What the table of live sessions may take, in MiB; about 500 sessions each; 0: nothing, every check asks the database.</summary>
    public int TableMegabytes { get; set; } = 128;

    public void Read(IConfiguration configuration) =>
        TableMegabytes = configuration.GetValue("Sessions:TableMegabytes", TableMegabytes);
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class LiveSessionsOptionsValidation : IValidateOptions<LiveSessionsOptions>
{
    public ValidateOptionsResult Validate(string? name, LiveSessionsOptions options) => options.TableMegabytes is >= 0 and <= 65_536
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail($"Sessions:TableMegabytes must be from 0 to 65536, it is {options.TableMegabytes}.");
}
