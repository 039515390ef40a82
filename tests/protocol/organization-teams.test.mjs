import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { randomUUID } from "node:crypto";
import { createAuthClient } from "better-auth/client";
import { organizationClient } from "better-auth/client/plugins";
import { UNAUTHORIZED, assertClientRefused, get, post, server, signedUp } from "./support.mjs";

const TEAM_NOT_FOUND = { message: "Team not found", code: "TEAM_NOT_FOUND" };

/** Somebody with the published client and its plugin, teams and roles of one's own turned on. */
async function someone() {
  const { browser, person, user } = await signedUp();
  const auth = createAuthClient({
    baseURL: server,
    plugins: [organizationClient({ teams: { enabled: true }, dynamicAccessControl: { enabled: true } })],
    fetchOptions: { customFetchImpl: (url, init) => browser.fetch(url, init) },
  });
  return { browser, person, user, org: auth.organization, session: async () => (await auth.getSession()).data.session };
}

const done = ({ data, error }) => (assert.equal(error, null, JSON.stringify(error)), data);

/** An organization of an owner with a member; both act in it. */
async function founded({ role = "member" } = {}) {
  const [owner, member, stranger] = [await someone(), await someone(), await someone()];
  const organization = done(await owner.org.create({ name: "Acme", slug: `acme-${randomUUID()}` }));
  const invitation = done(await owner.org.inviteMember({ email: member.user.email, role }));
  done(await member.org.acceptInvitation({ invitationId: invitation.id }));
  return { owner, member, stranger, organization };
}

describe("teams", () => {
  test("come with the organization, and are made, renamed and removed", async () => {
    const { owner, organization } = await founded();
    const [first] = done(await owner.org.listTeams());
    assert.equal(first.name, "Acme");
    assert.equal((await owner.session()).activeTeamId, first.id);
    const team = done(await owner.org.createTeam({ name: "Dev" }));
    assert.deepEqual(Object.keys(team).sort(), ["createdAt", "id", "name", "organizationId", "updatedAt"]);
    assert.equal(team.organizationId, organization.id);
    assert.equal(done(await owner.org.updateTeam({ teamId: team.id, data: { name: "Dev2" } })).name, "Dev2");
    assert.deepEqual(
      done(await owner.org.listTeams({ query: { organizationId: organization.id } })).map((each) => each.name).sort(),
      ["Acme", "Dev2"],
    );
    assert.deepEqual(done(await owner.org.removeTeam({ teamId: team.id })), { message: "Team removed successfully." });
    assertClientRefused(await owner.org.removeTeam({ teamId: team.id }), 400, TEAM_NOT_FOUND);
    assertClientRefused(await owner.org.updateTeam({ teamId: team.id, data: { name: "x" } }), 400, TEAM_NOT_FOUND);
  });

  test("keep the last one, and the one that is acted in", async () => {
    const { owner, organization } = await founded();
    const [first] = done(await owner.org.listTeams());
    assertClientRefused(await owner.org.removeTeam({ teamId: first.id }), 403, {
      message: "You are not allowed to delete this team",
      code: "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_TEAM",
    });
    assert.equal(done(await owner.org.setActiveTeam({ teamId: null })), null);
    assertClientRefused(await owner.org.removeTeam({ teamId: first.id, organizationId: organization.id }), 400, {
      message: "Unable to remove last team",
      code: "UNABLE_TO_REMOVE_LAST_TEAM",
    });
  });

  test("take and lose members", async () => {
    const { owner, member, stranger } = await founded();
    const team = done(await owner.org.createTeam({ name: "Dev" }));
    const both = { teamId: team.id, userId: member.user.id };
    const added = done(await owner.org.addTeamMember(both));
    assert.equal(added.userId, member.user.id);
    assert.deepEqual(done(await owner.org.addTeamMember(both)), added);
    assert.deepEqual(done(await member.org.listUserTeams()).map((each) => each.id), [team.id]);
    assert.equal(done(await member.org.setActiveTeam({ teamId: team.id })).id, team.id);
    assert.equal(member.browser.last.setCookie.length, 1);
    assert.equal((await member.session()).activeTeamId, team.id);
    assert.deepEqual(done(await member.org.listTeamMembers({ query: { teamId: team.id } })), [added]);
    assert.deepEqual(done(await member.org.listTeamMembers()), [added]);
    const notInTeam = { message: "User is not a member of the team", code: "USER_IS_NOT_A_MEMBER_OF_THE_TEAM" };
    assertClientRefused(await stranger.org.listTeamMembers({ query: { teamId: team.id } }), 400, notInTeam);
    assertClientRefused(await owner.org.setActiveTeam({ teamId: team.id }), 403, notInTeam);
    assertClientRefused(await owner.org.setActiveTeam({ teamId: "none" }), 400, TEAM_NOT_FOUND);
    assert.deepEqual(done(await owner.org.removeTeamMember(both)), { message: "Team member removed successfully." });
    assertClientRefused(await owner.org.removeTeamMember(both), 400, notInTeam);
    assert.equal((await member.session()).activeTeamId, null);
    assertClientRefused(await member.org.listTeamMembers(), 400, {
      message: "You do not have an active team",
      code: "YOU_DO_NOT_HAVE_AN_ACTIVE_TEAM",
    });
    assertClientRefused(await owner.org.addTeamMember({ teamId: team.id, userId: stranger.user.id }), 400, {
      message: "User is not a member of the organization",
      code: "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION",
    });
  });

  test("are nothing that a member without the right may change", async () => {
    const { owner, member, stranger, organization } = await founded();
    const [first] = done(await owner.org.listTeams());
    const organizationId = organization.id;
    const refused = (answer, code, message) => assertClientRefused(answer, 403, { message, code });
    refused(
      await member.org.createTeam({ name: "x" }),
      "YOU_ARE_NOT_ALLOWED_TO_CREATE_TEAMS_IN_THIS_ORGANIZATION",
      "You are not allowed to create teams in this organization",
    );
    refused(
      await member.org.updateTeam({ teamId: first.id, data: { name: "x" } }),
      "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_TEAM",
      "You are not allowed to update this team",
    );
    refused(
      await stranger.org.listTeams({ query: { organizationId } }),
      "YOU_ARE_NOT_ALLOWED_TO_ACCESS_THIS_ORGANIZATION",
      "You are not allowed to access this organization as an owner",
    );
    refused(
      await stranger.org.removeTeam({ teamId: first.id, organizationId }),
      "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_TEAM",
      "You are not allowed to delete this team",
    );
    refused(
      await member.org.addTeamMember({ teamId: first.id, userId: member.user.id }),
      "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_TEAM_MEMBER",
      "You are not allowed to create a new member",
    );
    refused(
      await member.org.removeTeamMember({ teamId: first.id, userId: owner.user.id }),
      "YOU_ARE_NOT_ALLOWED_TO_REMOVE_A_TEAM_MEMBER",
      "You are not allowed to remove a team member",
    );
  });

  test("are joined by an invitation that names them", async () => {
    const { owner } = await founded();
    const guest = await someone();
    const team = done(await owner.org.createTeam({ name: "Dev" }));
    const invitation = done(await owner.org.inviteMember({ email: guest.user.email, role: "member", teamId: team.id }));
    assert.equal(invitation.teamId, team.id);
    done(await guest.org.acceptInvitation({ invitationId: invitation.id }));
    assert.deepEqual(done(await guest.org.listUserTeams()).map((each) => each.id), [team.id]);
    assertClientRefused(
      await owner.org.inviteMember({ email: `x.${guest.user.email}`, role: "member", teamId: "none" }), 400, TEAM_NOT_FOUND);
  });

  test("are left with the organization", async () => {
    const { owner, member } = await founded();
    const team = done(await owner.org.createTeam({ name: "Dev" }));
    done(await owner.org.addTeamMember({ teamId: team.id, userId: member.user.id }));
    done(await owner.org.removeMember({ memberIdOrEmail: member.user.email }));
    assert.deepEqual(done(await member.org.listUserTeams()), []);
  });

  test("are for those who are signed in", async () => {
    for (const [path, body] of [["create-team", { name: "x" }], ["remove-team", { teamId: "x", organizationId: "y" }]]) {
      const answer = await post(`/organization/${path}`, body);
      assert.equal(answer.status, 401);
      assert.equal(answer.text, "");
    }
    for (const path of ["list-teams", "list-user-teams", "list-team-members"])
      assert.deepEqual((await get(`/organization/${path}`)).json, UNAUTHORIZED);
    const answer = await post("/organization/set-active-team", { teamId: null });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json, UNAUTHORIZED);
  });
});
