using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class OrganizationTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Whoever_founds_an_organization_owns_it_and_acts_in_it()
    {
        var ada = await app.SignedUp();
        var slug = Guild.NewSlug();
        var made = (await app.Do(ada, "create", new { name = "Acme", slug, metadata = new { plan = "pro" } })).Json();
        Assert.Equal("pro", made.GetProperty("metadata").Text("plan"));
        Assert.Equal("owner", made.GetProperty("members")[0].Text("role"));
        var session = await app.SessionOf(ada);
        Assert.Equal(made.Text("id"), session.Text("activeOrganizationId"));
        var full = (await app.See(ada, "get-full-organization")).Json();
        Assert.Equal("""{"plan":"pro"}""", full.Text("metadata"));
        Assert.Equal((session.Text("activeTeamId"), 1), (full.GetProperty("teams")[0].Text("id"), full.GetProperty("teams")[0].GetProperty("memberCount").GetInt32()));
        Assert.Equal(ada.Email, full.GetProperty("members")[0].GetProperty("user").Text("email"));
        Assert.Equal("ORGANIZATION_ALREADY_EXISTS", (await app.Do(ada, "create", new { name = "Acme", slug }, 400)).Code());
        Assert.Equal("ORGANIZATION_SLUG_ALREADY_TAKEN", (await app.Do(ada, "check-slug", new { slug }, 400)).Code());
        Assert.Equal(["organization.created.1", "organization.member_added.1"], await app.EventsOf(made.Text("id")));
    }

    [Fact]
    public async Task Of_fifty_who_want_one_slug_one_gets_it()
    {
        var ada = await app.SignedUp();
        var slug = Guild.NewSlug();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Try(ada, "create", new { name = "Acme", slug })));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_organization where slug = $1", slug));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_member where user_id = $1", ada.Id));
    }

    [Fact]
    public async Task An_invitation_is_mailed_and_lets_in_once()
    {
        var (ada, ben) = (await app.SignedUp(), await app.SignedUp());
        var id = await app.Founds(ada, "Acme http://evil.test/<b>");
        var invitationId = await app.Invites(ada, id, ben.Email.ToUpperInvariant());
        var mail = (await app.MailsTo(ben.Email))[^1];
        Assert.Contains($"?id={invitationId}", mail.Text("text"), StringComparison.Ordinal);
        Assert.DoesNotContain("evil.test", mail.Text("text"), StringComparison.Ordinal);
        Assert.True(invitationId.Length >= 22);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Try(ben, "accept-invitation", new { invitationId })));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal("INVITATION_NOT_FOUND", answer.Code()));
        Assert.Equal(2, await app.Members(id));
        Assert.Equal(id, (await app.SessionOf(ben)).Text("activeOrganizationId"));
        Assert.DoesNotContain(invitationId, string.Join(' ', (await app.Sql("select data::text from identity.mt_events where stream_id = $1", id)).Select(row => row[0])), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_invitation_is_answered_by_its_recipient_alone_and_in_time()
    {
        var (ada, ben, eve) = (await app.SignedUp(), await app.SignedUp(), await app.SignedUp());
        var id = await app.Founds(ada);
        var invitationId = await app.Invites(ada, id, ben.Email);
        Assert.Equal("YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION", (await app.Do(eve, "accept-invitation", new { invitationId }, 403)).Code());
        Assert.Equal("YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION", (await app.Do(eve, "reject-invitation", new { invitationId }, 403)).Code());
        await app.See(eve, $"get-invitation?id={invitationId}", 403);
        Assert.Equal("MEMBER_NOT_FOUND", (await app.Do(eve, "cancel-invitation", new { invitationId }, 400)).Code());
        Assert.Equal(ada.Email, (await app.See(ben, $"get-invitation?id={invitationId}")).Json().Text("inviterEmail"));
        Assert.Contains("you_are_not_the_recipient_of_the_invitation", await app.Reasons("organization.act_refused.1", eve.Id));
        app.Clock.Advance(TimeSpan.FromHours(49));
        try
        {
            await app.Scenario(_ => _.As(ben.Browser).Post.Json(new { email = ben.Email, password = People.Password }).ToUrl("/api/auth/sign-in/email"));
            Assert.Equal("INVITATION_NOT_FOUND", (await app.Do(ben, "accept-invitation", new { invitationId }, 400)).Code());
        }
        finally
        {
            app.Clock.Advance(TimeSpan.FromHours(-49));
        }
    }

    [Fact]
    public async Task An_invitation_is_rejected_or_taken_back_once()
    {
        var (ada, ben) = (await app.SignedUp(), await app.SignedUp());
        var id = await app.Founds(ada);
        var invitationId = await app.Invites(ada, id, ben.Email);
        Assert.Equal("USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION", (await app.Do(ada, "invite-member", new { email = ben.Email, role = "member" }, 400)).Code());
        var again = (await app.Do(ada, "invite-member", new { email = ben.Email, role = "member", resend = true })).Json();
        Assert.Equal(invitationId, again.Text("id"));
        Assert.Equal("rejected", (await app.Do(ben, "reject-invitation", new { invitationId })).Json().GetProperty("invitation").Text("status"));
        Assert.Equal("""{"message":"Invitation not found!","code":"INVITATION_NOT_FOUND"}""", (await app.Do(ben, "reject-invitation", new { invitationId }, 400)).Body);
        var second = await app.Invites(ada, id, ben.Email);
        Assert.Equal("canceled", (await app.Do(ada, "cancel-invitation", new { invitationId = second })).Json().Text("status"));
        Assert.Equal("INVITATION_NOT_FOUND", (await app.Do(ben, "accept-invitation", new { invitationId = second }, 400)).Code());
        Assert.Equal(2, (await app.See(ada, "list-invitations")).Json().GetArrayLength());
        await app.Joined(ada, id);
    }

    [Fact]
    public async Task Fifty_invitations_of_one_address_at_once_make_one()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var email = People.NewAddress();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Try(ada, "invite-member", new { email, role = "member", organizationId = id })));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_invitation where email = $1", email));
    }

    [Fact]
    public async Task Two_owners_who_leave_at_once_leave_one()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var (ben, _) = await app.Joined(ada, id, "owner");
        var answers = await Task.WhenAll(app.Try(ada, "leave", new { organizationId = id }), app.Try(ben, "leave", new { organizationId = id }));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal("YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER", Assert.Single(answers, answer => answer.Status != 200).Code());
        Assert.Equal(1, await app.Members(id));
    }

    [Fact]
    public async Task Two_owners_who_lower_each_other_at_once_leave_one()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var adaId = (await app.See(ada, "get-active-member")).Json().Text("id");
        var (ben, benId) = await app.Joined(ada, id, "owner");
        await Task.WhenAll(
            app.Try(ada, "update-member-role", new { memberId = benId, role = "member" }),
            app.Try(ben, "update-member-role", new { memberId = adaId, role = "member" }));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_member where organization_id = $1 and role = 'owner'", id));
    }

    [Fact]
    public async Task An_admin_does_not_touch_an_owner_nor_make_one()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var adaId = (await app.See(ada, "get-active-member")).Json().Text("id");
        var (ben, benId) = await app.Joined(ada, id, "admin");
        Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER", (await app.Do(ben, "update-member-role", new { memberId = adaId, role = "member" }, 403)).Code());
        Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER", (await app.Do(ben, "update-member-role", new { memberId = benId, role = "owner" }, 403)).Code());
        Assert.Equal("YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER", (await app.Do(ben, "remove-member", new { memberIdOrEmail = ada.Email }, 400)).Code());
        Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE", (await app.Do(ben, "invite-member", new { email = People.NewAddress(), role = "owner" }, 403)).Code());
        Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION", (await app.Do(ben, "delete", new { organizationId = id }, 403)).Code());
        Assert.Equal("""{"message":"ROLE_NOT_FOUND: wizard","code":"ROLE_NOT_FOUND"}""", (await app.Do(ben, "update-member-role", new { memberId = benId, role = "wizard" }, 400)).Body);
        Assert.Equal("""{"message":"ROLE_NOT_FOUND: wizard"}""", (await app.Do(ben, "invite-member", new { email = People.NewAddress(), role = "wizard" }, 400)).Body);
    }

    [Fact]
    public async Task A_removed_member_acts_there_no_more_from_that_moment()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var (ben, benId) = await app.Joined(ada, id, "admin");
        Assert.Equal(benId, (await app.Do(ada, "remove-member", new { memberIdOrEmail = ben.Email })).Json().GetProperty("member").Text("id"));
        Assert.Equal(JsonValueKind.Null, (await app.SessionOf(ben)).GetProperty("activeOrganizationId").ValueKind);
        Assert.Equal("MEMBER_NOT_FOUND", (await app.Do(ben, "invite-member", new { email = People.NewAddress(), role = "member", organizationId = id }, 400)).Code());
        await app.See(ben, $"list-members?organizationId={id}", 403);
        Assert.Equal("NO_ACTIVE_ORGANIZATION", (await app.See(ben, "get-active-member", 400)).Code());
    }

    [Fact]
    public async Task Deleting_an_organization_leaves_nothing_of_it()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var (ben, _) = await app.Joined(ada, id);
        await app.Invites(ada, id, People.NewAddress());
        Assert.Equal(id, (await app.Do(ada, "delete", new { organizationId = id })).Json().Text("id"));
        foreach (var table in (string[])["member", "invitation", "team", "team_member"])
            Assert.Equal(0, await app.Count($"select count(*) from identity.mt_doc_{table} where organization_id = $1", id));
        Assert.Equal(JsonValueKind.Null, (await app.SessionOf(ben)).GetProperty("activeOrganizationId").ValueKind);
        Assert.Equal("USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION", (await app.Do(ada, "delete", new { organizationId = id }, 400)).Code());
    }

    [Fact]
    public async Task A_deleted_owner_is_followed_by_the_admin_and_takes_an_empty_organization_along()
    {
        var ada = await app.SignedUp();
        var (own, shared) = (await app.Founds(ada), await app.Founds(ada));
        await app.Joined(ada, shared);
        var (cas, casId) = await app.Joined(ada, shared, "admin");
        var address = People.NewAddress();
        await app.Invites(ada, shared, address);
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user"));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_organization where id = $1", own));
        Assert.Equal("owner,admin", (await app.Sql("select role from identity.mt_doc_member where id = $1", casId))[0][0]);
        Assert.Equal(["owner_deleted"], await app.Reasons("organization.member_role_set.1", cas.Id));
        Assert.Equal(2, await app.Members(shared));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_invitation where email = $1", address));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_team_member where user_id = $1", ada.Id));
    }

    [Fact]
    public async Task Members_are_listed_by_the_page_sorted_and_filtered()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        var (ben, _) = await app.Joined(ada, id);
        var page = (await app.See(ada, "list-members?limit=1&sortBy=createdAt&sortDirection=desc")).Json();
        Assert.Equal((2, ben.Id), (page.GetProperty("total").GetInt32(), page.GetProperty("members")[0].Text("userId")));
        Assert.Equal(1, (await app.See(ada, "list-members?filterField=role&filterValue=owner")).Json().GetProperty("total").GetInt32());
        await app.See(ada, "list-members?sortBy=password", 400);
        await app.See(ada, "list-members?filterField=user.password&filterValue=1", 400);
        Assert.Equal("""{"role":"member"}""", (await app.See(ada, $"get-active-member-role?userId={ben.Id}")).Body);
    }

    [Fact]
    public async Task Only_a_verified_address_lists_its_invitations()
    {
        var (ada, ben) = (await app.SignedUp(), await app.SignedUp());
        var id = await app.Founds(ada);
        await app.Invites(ada, id, ben.Email);
        Assert.Equal("EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION", (await app.See(ben, "list-user-invitations", 403)).Code());
    }

    [Fact]
    public async Task A_removal_while_the_member_makes_it_active_leaves_no_session_in_it()
    {
        var ada = await app.SignedUp();
        var id = await app.Founds(ada);
        for (var round = 0; round < 5; round++)
        {
            var (ben, benId) = await app.Joined(ada, id);
            await app.Do(ben, "set-active", new { organizationId = (string?)null });
            await Task.WhenAll(
                app.Try(ben, "set-active", new { organizationId = id }),
                app.Do(ada, "remove-member", new { memberIdOrEmail = benId, organizationId = id }));
            Assert.Equal(0, await app.Count("select count(*) from sessions.mt_doc_session where active_organization_id = $1 and user_id = $2", id, ben.Id));
        }
    }

    [Fact]
    public async Task There_is_no_route_that_adds_a_member_uninvited() =>
        Assert.Equal("", (await app.Do(await app.SignedUp(), "add-member", new { userId = "x", role = "member" }, 404)).Body);

    [Fact]
    public void The_heir_is_the_longest_serving_admin_and_nobody_where_an_owner_is_left()
    {
        var at = DateTimeOffset.UnixEpoch;
        Member[] others = [new("1", "o", "u1", "member", at), new("2", "o", "u2", "member,admin", at.AddDays(2)), new("3", "o", "u3", "admin", at.AddDays(1))];
        Assert.Equal("3", Departure.Heir(others)!.Id);
        Assert.Equal("1", Departure.Heir(others[..1])!.Id);
        Assert.Null(Departure.Heir([.. others, new("4", "o", "u4", "owner", at)]));
    }

    [Theory]
    [InlineData("Acme & Sons", "Acme & Sons")]
    [InlineData("http://x.test/a", "httpxtesta")]
    [InlineData("\r\nBcc: you", "Bcc you")]
    [InlineData("...", "an organization")]
    public void A_name_in_a_mail_is_no_more_than_a_name(string name, string plain) => Assert.Equal(plain, InvitationMail.Plain(name));
}
