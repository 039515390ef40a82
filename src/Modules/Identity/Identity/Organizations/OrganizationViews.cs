using System.Text.Json;
using System.Text.Json.Serialization;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An organization on the wire. Its metadata is an object where it was just written, text where it is read (contract §7.2).</summary>
internal sealed record OrganizationView(string Name, string Slug, string? Logo, DateTimeOffset CreatedAt, object? Metadata, string Id)
{
    public static OrganizationView Of(Organization of) => new(of.Name, of.Slug, of.Logo, of.CreatedAt, of.Metadata, of.Id);

    public static OrganizationView Written(Organization of) => new(of.Name, of.Slug, of.Logo, of.CreatedAt, Parse(of.Metadata), of.Id);

    public static object? Parse(string? metadata) => metadata is null ? null : JsonElement.Parse(metadata);
}

/// <summary>The same with everything in it.</summary>
internal sealed record FullOrganizationView(
    string Name,
    string Slug,
    string? Logo,
    DateTimeOffset CreatedAt,
    string? Metadata,
    string Id,
    IReadOnlyList<InvitationView> Invitations,
    IReadOnlyList<MemberView> Members,
    IReadOnlyList<FullTeamView> Teams);

/// <summary>A member on the wire, with their user where the contract says so.</summary>
internal sealed record MemberView(
    string OrganizationId,
    string UserId,
    string Role,
    DateTimeOffset CreatedAt,
    string Id,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] MemberUserView? User)
{
    public static MemberView Of(Member of, User? user = null) => new(
        of.OrganizationId, of.UserId, of.Role, of.CreatedAt, of.Id, user is null ? null : new(user.Id, user.Name, user.Email, user.Image));

    /// <summary>With their users; one who is just being deleted is left out.</summary>
    public static async Task<IReadOnlyList<MemberView>> WithUsers(IQuerySession store, IReadOnlyList<Member> members, CancellationToken ct)
    {
        var users = (await store.LoadManyAsync<User>(members.Select(member => member.UserId), ct)).ToDictionary(user => user.Id);
        return [.. members.Where(member => users.ContainsKey(member.UserId)).Select(member => Of(member, users[member.UserId]))];
    }
}

internal sealed record MemberUserView(string Id, string Name, string Email, string? Image);

internal sealed record InvitationView(
    string OrganizationId,
    string Email,
    string Role,
    string? TeamId,
    string Status,
    DateTimeOffset ExpiresAt,
    DateTimeOffset CreatedAt,
    string InviterId,
    string Id)
{
    public static InvitationView Of(Invitation of) => new(
        of.OrganizationId, of.Email, of.Role, of.TeamId, of.Status, of.ExpiresAt, of.CreatedAt, of.InviterId, of.Id);
}

/// <summary>A team as the full organization shows it.</summary>
internal sealed record FullTeamView(
    string Name, int MemberCount, string OrganizationId, DateTimeOffset CreatedAt, DateTimeOffset? UpdatedAt, string Id);
