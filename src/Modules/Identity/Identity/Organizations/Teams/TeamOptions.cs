using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>How much an organization may have: <c>Organizations:…</c>.</summary>
internal sealed class TeamOptions
{
    public int MaxTeams { get; set; }

    public int MaxTeamMembers { get; set; }

    public int MaxRoles { get; set; }

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Organizations");
        MaxTeams = section.GetValue(nameof(MaxTeams), 100);
        MaxTeamMembers = section.GetValue(nameof(MaxTeamMembers), 100);
        MaxRoles = section.GetValue(nameof(MaxRoles), 100);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class TeamOptionsValidation : IValidateOptions<TeamOptions>
{
    public ValidateOptionsResult Validate(string? name, TeamOptions options) => options switch
    {
        { MaxTeams: < 1 } => ValidateOptionsResult.Fail("Organizations:MaxTeams must be 1 or more."),
        { MaxTeamMembers: < 1 } => ValidateOptionsResult.Fail("Organizations:MaxTeamMembers must be 1 or more."),
        { MaxRoles: < 0 } => ValidateOptionsResult.Fail("Organizations:MaxRoles must be 0 or more."),
        _ => ValidateOptionsResult.Success,
    };
}
