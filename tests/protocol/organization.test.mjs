import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { organizationClient } from "better-auth/client/plugins";
import { Browser, assertClientRefused, assertRemembered, signedUp } from "./support.mjs";

const open = () => new Browser({ plugins: [organizationClient({ teams: { enabled: true } })] });
const person = (overrides = {}) => signedUp({ browser: open(), ...overrides });
let made = 0;
const slug = () => `org-${Date.now().toString(36)}-${++made}`;
const ok = ({ data, error }) => (assert.equal(error, null), data);
const NOT_MEMBER = { message: "User is not a member of the organization", code: "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION" };
const NOT_HERE = { message: "You are not a member of this organization", code: "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION" };
const NO_MEMBER = { message: "Member not found", code: "MEMBER_NOT_FOUND" };

describe("organizations", () => {
  let owner, other, org, organization, name;
  before(async () => {
    owner = await person();
    other = await person();
    org = owner.browser.auth.organization;
    name = slug();
    organization = ok(await org.create({ name: "Acme", slug: name, metadata: { plan: "pro" } }));
  });

  test("are founded once by slug, and owned", async () => {
    assert.deepEqual(organization.metadata, { plan: "pro" });
    assert.equal(organization.members[0].role, "owner");
    assertClientRefused(await org.create({ name: "Acme", slug: name }), 400, {
      message: "Organization already exists",
      code: "ORGANIZATION_ALREADY_EXISTS",
    });
    assertClientRefused(await org.checkSlug({ slug: name }), 400, {
      message: "Organization slug already taken",
      code: "ORGANIZATION_SLUG_ALREADY_TAKEN",
    });
    assert.deepEqual(ok(await org.checkSlug({ slug: slug() })), { status: true });
  });

  test("are read by members alone", async () => {
    assert.equal(ok(await org.list())[0].metadata, '{"plan":"pro"}');
    assert.equal(ok(await org.getFullOrganization()).members[0].user.email, owner.person.email);
    const query = { organizationId: organization.id };
    const stranger = other.browser.auth.organization;
    assertClientRefused(await stranger.getFullOrganization({ query }), 403, NOT_MEMBER);
    assertClientRefused(await stranger.setActive(query), 403, NOT_MEMBER);
    assertClientRefused(await stranger.listMembers({ query }), 403, NOT_HERE);
    assertClientRefused(await stranger.update({ data: { name: "X" }, ...query }), 400, NOT_MEMBER);
    assertClientRefused(await stranger.delete(query), 400, NOT_MEMBER);
    assertClientRefused(await stranger.leave(query), 400, NO_MEMBER);
    assertClientRefused(await stranger.hasPermission({ permissions: { member: ["create"] }, ...query }), 401, NOT_MEMBER);
    assert.equal(ok(await stranger.getFullOrganization()), null);
  });

  test("are changed by who may", async () => {
    assert.deepEqual(ok(await org.update({ data: { name: "Acme 2", metadata: { plan: "free" } } })).metadata, { plan: "free" });
    assert.deepEqual(ok(await org.hasPermission({ permissions: { organization: ["delete"] } })), { error: null, success: true });
    assert.deepEqual(ok(await org.hasPermission({ permissions: { nothing: ["delete"] } })), { error: null, success: false });
  });

  test("become active and inactive, and the cookie is sent again", async () => {
    assert.equal(ok(await org.setActive({ organizationId: null })), null);
    assertRemembered(owner.browser.last.setCookie);
    assertClientRefused(await org.getActiveMember(), 400, { message: "No active organization", code: "NO_ACTIVE_ORGANIZATION" });
    assert.equal(ok(await org.setActive({ organizationSlug: name })).id, organization.id);
    assert.equal(ok(await org.getActiveMember()).role, "owner");
    assert.deepEqual(ok(await org.getActiveMemberRole()), { role: "owner" });
  });

  test("invite, and are joined, ruled and left", async () => {
    const guest = await person();
    const theirs = guest.browser.auth.organization;
    const asked = { email: guest.person.email.toUpperCase(), role: "member" };
    const invitation = ok(await org.inviteMember(asked));
    assert.equal(invitation.email, guest.person.email);
    assertClientRefused(await org.inviteMember(asked), 400, {
      message: "User is already invited to this organization",
      code: "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION",
    });
    assert.equal(ok(await org.inviteMember({ ...asked, resend: true })).id, invitation.id);
    assertClientRefused(await org.inviteMember({ ...asked, email: "nobody" }), 400, { message: "Invalid email", code: "INVALID_EMAIL" });
    assert.equal(ok(await theirs.getInvitation({ query: { id: invitation.id } })).inviterEmail, owner.person.email);
    assertClientRefused(await theirs.listUserInvitations(), 403, {
      message: "Email verification required to view or list invitations for the session email",
      code: "EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION",
    });
    const { member } = ok(await theirs.acceptInvitation({ invitationId: invitation.id }));
    assert.equal(member.role, "member");
    assertClientRefused(await theirs.acceptInvitation({ invitationId: invitation.id }), 400, {
      message: "Invitation not found",
      code: "INVITATION_NOT_FOUND",
    });
    assertClientRefused(await theirs.inviteMember(asked), 403, {
      message: "You are not allowed to invite users to this organization",
      code: "YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION",
    });
    assert.equal(ok(await org.updateMemberRole({ memberId: member.id, role: ["admin", "member"] })).role, "admin,member");
    assert.equal(ok(await org.listMembers({ query: { limit: 1, sortBy: "createdAt", sortDirection: "desc" } })).members[0].id, member.id);
    assert.equal(ok(await theirs.leave({ organizationId: organization.id })).id, member.id);
    assertClientRefused(await org.leave({ organizationId: organization.id }), 400, {
      message: "You cannot leave the organization as the only owner",
      code: "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER",
    });
  });

  test("take invitations back, and are refused them", async () => {
    const first = ok(await org.inviteMember({ email: other.person.email, role: "member" }));
    assert.equal(ok(await org.cancelInvitation({ invitationId: first.id })).status, "canceled");
    const second = ok(await org.inviteMember({ email: other.person.email, role: "member" }));
    const refused = ok(await other.browser.auth.organization.rejectInvitation({ invitationId: second.id }));
    assert.deepEqual([refused.invitation.status, refused.member], ["rejected", null]);
    assert.ok(ok(await org.listInvitations()).length >= 2);
  });

  test("put members out, and end", async () => {
    const guest = await person();
    const invitation = ok(await org.inviteMember({ email: guest.person.email, role: "admin" }));
    ok(await guest.browser.auth.organization.acceptInvitation({ invitationId: invitation.id }));
    assert.equal(ok(await org.removeMember({ memberIdOrEmail: guest.person.email })).member.user.email, guest.person.email);
    assert.equal((await guest.browser.auth.getSession()).data.session.activeOrganizationId, null);
    assert.equal(ok(await org.delete({ organizationId: organization.id })).id, organization.id);
    assert.deepEqual(ok(await org.list()), []);
  });
});
