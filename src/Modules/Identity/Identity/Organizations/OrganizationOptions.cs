using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>The settings <c>Organizations:*</c>.</summary>
internal sealed class OrganizationOptions
{
    /// <summary>Whether users may found organizations.</summary>
    public bool AllowCreation { get; set; } = true;

    public bool AllowDeletion { get; set; } = true;

    /// <summary>Most organizations of one user; null: no limit.</summary>
    public int? MaxPerUser { get; set; }

    /// <summary>Most members of one organization.</summary>
    public int MaxMembers { get; set; } = 100;

    /// <summary>Most open invitations of one organization.</summary>
    public int MaxInvitations { get; set; } = 100;

    public TimeSpan InvitationLifetime { get; set; } = TimeSpan.FromHours(48);

    /// <summary>
    /// Where the mail of an invitation leads; <c>{id}</c> stands for the invitation's. Null: our own address with
    /// <c>?id=</c>.
    /// </summary>
    public string? InvitationUrl { get; set; }

    /// <summary>Whether an invitation is answered only from an address that is known to be its user's.</summary>
    public bool RequireVerifiedEmail { get; set; }

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Organizations");
        AllowCreation = section.GetValue(nameof(AllowCreation), AllowCreation);
        AllowDeletion = section.GetValue(nameof(AllowDeletion), AllowDeletion);
        MaxPerUser = section.GetValue(nameof(MaxPerUser), MaxPerUser);
        MaxMembers = section.GetValue(nameof(MaxMembers), MaxMembers);
        MaxInvitations = section.GetValue(nameof(MaxInvitations), MaxInvitations);
        InvitationLifetime = section.GetValue(nameof(InvitationLifetime), InvitationLifetime);
        InvitationUrl = section.GetValue(nameof(InvitationUrl), InvitationUrl);
        RequireVerifiedEmail = section.GetValue(nameof(RequireVerifiedEmail), RequireVerifiedEmail);
    }

    public string InvitationLink(string baseUrl, string id) =>
        InvitationUrl is { Length: > 0 } template ? template.Replace("{id}", id, StringComparison.Ordinal) : $"{baseUrl}?id={id}";
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class OrganizationOptionsValidation : IValidateOptions<OrganizationOptions>
{
    public ValidateOptionsResult Validate(string? name, OrganizationOptions options)
    {
        string?[] wrong =
        [
            options.MaxPerUser is < 0 ? "Organizations:MaxPerUser must not be negative." : null,
            options.MaxMembers < 1 ? "Organizations:MaxMembers must be at least 1." : null,
            options.MaxInvitations < 0 ? "Organizations:MaxInvitations must not be negative." : null,
            options.InvitationLifetime <= TimeSpan.Zero ? "Organizations:InvitationLifetime must be longer than zero." : null,
            options.InvitationUrl is { Length: > 0 } url
                && !(url.Contains("{id}", StringComparison.Ordinal) && Uri.TryCreate(url, UriKind.Absolute, out _))
                ? "Organizations:InvitationUrl must be an absolute URL with {id} in it."
                : null,
        ];
        var failures = wrong.OfType<string>().ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
