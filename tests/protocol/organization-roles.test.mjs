import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { randomUUID } from "node:crypto";
import { createAuthClient } from "better-auth/client";
import { organizationClient } from "better-auth/client/plugins";
import { UNAUTHORIZED, assertClientRefused, get, post, server, signedUp } from "./support.mjs";

/** Somebody with the published client and its plugin, roles of one's own turned on. */
async function someone() {
  const { browser, person, user } = await signedUp();
  const auth = createAuthClient({
    baseURL: server,
    plugins: [organizationClient({ teams: { enabled: true }, dynamicAccessControl: { enabled: true } })],
    fetchOptions: { customFetchImpl: (url, init) => browser.fetch(url, init) },
  });
  return { browser, person, user, org: auth.organization };
}

const done = ({ data, error }) => (assert.equal(error, null, JSON.stringify(error)), data);

async function founded({ role = "member" } = {}) {
  const [owner, member, stranger] = [await someone(), await someone(), await someone()];
  const organization = done(await owner.org.create({ name: "Acme", slug: `acme-${randomUUID()}` }));
  const invitation = done(await owner.org.inviteMember({ email: member.user.email, role }));
  const { member: membership } = done(await member.org.acceptInvitation({ invitationId: invitation.id }));
  return { owner, member, stranger, organization, membership };
}

const refused = (answer, status, code, message, more = {}) => assertClientRefused(answer, status, { message, code, ...more });
const TAKEN = [400, "ROLE_NAME_IS_ALREADY_TAKEN", "That role name is already taken"];
const NOT_FOUND = [400, "ROLE_NOT_FOUND", "Role not found"];

describe("roles of an organization's own", () => {
  test("are made, read, changed and deleted", async () => {
    const { owner, member, organization } = await founded();
    const made = done(await owner.org.createRole({ role: "Editor", permission: { member: ["create"] } }));
    assert.equal(made.success, true);
    assert.deepEqual(made.statements, { member: ["create"] });
    assert.equal(made.roleData.role, "editor");
    assert.equal(made.roleData.organizationId, organization.id);
    assert.deepEqual(done(await member.org.listRoles()), [made.roleData]);
    assert.deepEqual(done(await member.org.getRole({ query: { roleName: "editor" } })), made.roleData);
    assert.deepEqual(done(await member.org.getRole({ query: { roleId: made.roleData.id } })), made.roleData);
    const updated = done(
      await owner.org.updateRole({ roleName: "editor", data: { permission: { member: ["create", "update"] } } }),
    );
    assert.deepEqual(updated.roleData.permission, { member: ["create", "update"] });
    done(await owner.org.updateRole({ roleId: made.roleData.id, data: { roleName: "Writer" } }));
    assert.equal(done(await owner.org.getRole({ query: { roleName: "writer" } })).id, made.roleData.id);
    assert.deepEqual(done(await owner.org.deleteRole({ roleId: made.roleData.id })), { success: true });
    refused(await owner.org.deleteRole({ roleName: "writer" }), ...NOT_FOUND);
    refused(await owner.org.getRole({ query: { roleName: "writer" } }), ...NOT_FOUND);
    refused(await owner.org.updateRole({ roleName: "writer", data: {} }), ...NOT_FOUND);
  });

  test("count at once for who holds them", async () => {
    const { owner, member, membership } = await founded();
    done(await owner.org.createRole({ role: "inviter", permission: { invitation: ["create"] } }));
    done(await owner.org.updateMemberRole({ memberId: membership.id, role: ["member", "inviter"] }));
    const may = async () => done(await member.org.hasPermission({ permissions: { invitation: ["create"] } })).success;
    assert.equal(await may(), true);
    done(await owner.org.updateRole({ roleName: "inviter", data: { permission: {} } }));
    assert.equal(await may(), false);
    refused(
      await owner.org.deleteRole({ roleName: "inviter" }),
      400,
      "ROLE_IS_ASSIGNED_TO_MEMBERS",
      "Cannot delete a role that is assigned to members. Please reassign the members to a different role first",
    );
    done(await owner.org.updateMemberRole({ memberId: membership.id, role: "member" }));
    done(await owner.org.deleteRole({ roleName: "inviter" }));
  });

  test("never give what their maker does not hold", async () => {
    const { member: admin } = await founded({ role: "admin" });
    refused(
      await admin.org.createRole({ role: "boss", permission: { organization: ["update", "delete"] } }),
      403,
      "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_ROLE",
      "You are not allowed to create a role",
      { missingPermissions: ["organization:delete"] },
    );
    done(await admin.org.createRole({ role: "editor", permission: {} }));
    refused(
      await admin.org.updateRole({ roleName: "editor", data: { permission: { organization: ["delete"] } } }),
      403,
      "YOU_ARE_NOT_ALLOWED_TO_UPDATE_A_ROLE",
      "You are not allowed to update a role",
      { missingPermissions: ["organization:delete"] },
    );
  });

  test("have names and resources that make sense", async () => {
    const { owner } = await founded();
    for (const role of ["owner", "Admin", "MEMBER"]) refused(await owner.org.createRole({ role, permission: {} }), ...TAKEN);
    done(await owner.org.createRole({ role: "editor", permission: {} }));
    refused(await owner.org.createRole({ role: "EDITOR", permission: {} }), ...TAKEN);
    refused(await owner.org.updateRole({ roleName: "editor", data: { roleName: "owner" } }), ...TAKEN);
    refused(
      await owner.org.createRole({ role: "pilot", permission: { rocket: ["launch"] } }),
      400,
      "INVALID_RESOURCE",
      "The provided permission includes an invalid resource",
    );
    refused(
      await owner.org.deleteRole({ roleName: "owner" }),
      400,
      "CANNOT_DELETE_A_PRE_DEFINED_ROLE",
      "Cannot delete a pre-defined role",
    );
  });

  test("are read by members and changed by those who may", async () => {
    const { member, stranger, organization } = await founded();
    const organizationId = organization.id;
    const notAllowed = (verb) => [403, `YOU_ARE_NOT_ALLOWED_TO_${verb.toUpperCase()}_A_ROLE`, `You are not allowed to ${verb} a role`];
    refused(await member.org.createRole({ role: "x", permission: {} }), ...notAllowed("create"));
    refused(await member.org.updateRole({ roleName: "x", data: {} }), ...notAllowed("update"));
    refused(await member.org.deleteRole({ roleName: "x" }), ...notAllowed("delete"));
    const outside = [403, "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION", "You are not a member of this organization"];
    refused(await stranger.org.createRole({ role: "x", permission: {}, organizationId }), ...outside);
    refused(await stranger.org.listRoles({ query: { organizationId } }), ...outside);
    refused(await stranger.org.getRole({ query: { roleName: "x", organizationId } }), ...outside);
    refused(await stranger.org.updateRole({ roleName: "x", data: {}, organizationId }), ...outside);
    refused(await stranger.org.deleteRole({ roleName: "x", organizationId }), ...outside);
    refused(
      await stranger.org.createRole({ role: "x", permission: {} }),
      400,
      "YOU_MUST_BE_IN_AN_ORGANIZATION_TO_CREATE_A_ROLE",
      "You must be in an organization to create a role",
    );
    refused(await stranger.org.listRoles(), 400, "NO_ACTIVE_ORGANIZATION", "No active organization");
  });

  test("that nobody may read without the right", async () => {
    const { owner, member, membership } = await founded();
    done(await owner.org.createRole({ role: "mute", permission: {} }));
    done(await owner.org.updateMemberRole({ memberId: membership.id, role: "mute" }));
    refused(await member.org.listRoles(), 403, "YOU_ARE_NOT_ALLOWED_TO_LIST_A_ROLE", "You are not allowed to list a role");
    refused(
      await member.org.getRole({ query: { roleName: "mute" } }), 403,
      "YOU_ARE_NOT_ALLOWED_TO_READ_A_ROLE", "You are not allowed to read a role");
  });

  test("are for those who are signed in", async () => {
    assert.deepEqual((await get("/organization/list-roles")).json, UNAUTHORIZED);
    assert.deepEqual((await get("/organization/get-role?roleName=x")).json, UNAUTHORIZED);
    for (const [path, body] of [
      ["create-role", { role: "x", permission: {} }],
      ["update-role", { roleName: "x", data: {} }],
      ["delete-role", { roleName: "x" }],
    ]) {
      const answer = await post(`/organization/${path}`, body);
      assert.equal(answer.status, 401);
      assert.deepEqual(answer.json, UNAUTHORIZED);
    }
  });
});
