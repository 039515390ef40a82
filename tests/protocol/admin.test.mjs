import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, test } from "node:test";
import { createAuthClient } from "better-auth/client";
import { adminClient } from "better-auth/client/plugins";
import { Browser, assertRefused, get, isSignedIn, onAnotherDevice, post, server, signedUp, stranger } from "./support.mjs";

// The administrator whom run.mjs gives the server; of a server of one's own these two say who it is.
const root = { email: process.env.PROTOCOL_ADMIN_EMAIL ?? "root@example.com", password: process.env.PROTOCOL_ADMIN_PASSWORD ?? "correct-horse-1" };

class AdminBrowser extends Browser {
  constructor(options) {
    super(options);
    this.auth = createAuthClient({
      baseURL: server,
      plugins: [adminClient()],
      fetchOptions: { customFetchImpl: (url, init) => this.fetch(url, init) },
    });
  }
}

const ok = ({ data, error }) => {
  assert.equal(error, null);
  return data;
};
const admin = async () => {
  const browser = new AdminBrowser();
  ok(await browser.auth.signIn.email(root));
  return browser;
};
const person = async (role) => {
  const made = await signedUp({ browser: new AdminBrowser() });
  if (role) ok(await (await admin()).auth.admin.setRole({ userId: made.user.id, role }));
  return made;
};
const refused = (answer, status, code) => {
  assert.equal(answer.data, null);
  assert.deepEqual([answer.error.status, answer.error.code], [status, code]);
};

describe("administrators", () => {
  let boss;
  before(async () => (boss = await admin()));

  test("list users: search, filter, sort and page", async () => {
    const { user } = await person();
    const found = ok(await boss.auth.admin.listUsers({ query: { searchValue: user.email, searchField: "email", searchOperator: "contains", limit: 10 } }));
    assert.deepEqual([found.users.length, found.total, found.limit], [1, 1, 10]);
    assert.equal(found.users[0].id, user.id);
    const page = ok(await boss.auth.admin.listUsers({ query: { limit: 1, offset: 1, sortBy: "createdAt", sortDirection: "desc" } }));
    assert.equal(page.users.length, 1);
    assert.deepEqual(ok(await boss.auth.admin.listUsers({ query: { sortBy: "nope" } })), { users: [], total: 0 });
    refused(await boss.auth.admin.listUsers({ query: { searchValue: "a", searchOperator: "like" } }), 400, "VALIDATION_ERROR");
    assert.equal(ok(await boss.auth.admin.getUser({ query: { id: user.id } })).email, user.email);
    refused(await boss.auth.admin.getUser({ query: { id: "nope" } }), 404, "USER_NOT_FOUND");
  });

  test("make, change and remove users", async () => {
    const made = stranger();
    const { user } = ok(await boss.auth.admin.createUser({ ...made, role: ["mentor", "pm"], data: { image: "http://img.test/m.png" } }));
    assert.deepEqual([user.email, user.role, user.image], [made.email, "mentor,pm", "http://img.test/m.png"]);
    refused(await boss.auth.admin.createUser(made), 400, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    refused(await boss.auth.admin.createUser(stranger({ email: "no" })), 400, "INVALID_EMAIL");
    refused(await boss.auth.admin.createUser(stranger({ role: "nope" })), 400, "YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE");
    refused(await boss.auth.admin.createUser(stranger({ data: { role: 5 } })), 400, "INVALID_ROLE_TYPE");
    const { browser } = await onAnotherDevice(made);
    assert.equal(ok(await boss.auth.admin.updateUser({ userId: user.id, data: { name: "Renamed" } })).name, "Renamed");
    assert.equal((await browser.auth.getSession()).data.user.name, "Renamed");
    refused(await boss.auth.admin.updateUser({ userId: user.id, data: {} }), 400, "NO_DATA_TO_UPDATE");
    refused(await boss.auth.admin.updateUser({ userId: user.id, data: { password: "x" } }), 400, "PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER");
    refused(await boss.auth.admin.updateUser({ userId: user.id, data: { email: "no" } }), 400, "INVALID_EMAIL");
    refused(await boss.auth.admin.updateUser({ userId: user.id, data: { email: root.email } }), 400, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    refused(await boss.auth.admin.updateUser({ userId: "nope", data: { name: "x" } }), 404, "USER_NOT_FOUND");
    assert.deepEqual(ok(await boss.auth.admin.removeUser({ userId: user.id })), { success: true });
    assert.equal(await isSignedIn(browser), false);
    refused(await boss.auth.admin.removeUser({ userId: user.id }), 404, "USER_NOT_FOUND");
  });

  test("set roles and passwords", async () => {
    const made = await person();
    assert.equal(ok(await boss.auth.admin.setRole({ userId: made.user.id, role: "pm" })).user.role, "pm");
    refused(await boss.auth.admin.setRole({ userId: made.user.id, role: "nope" }), 400, "YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE");
    refused(await boss.auth.admin.setRole({ userId: "nope", role: "user" }), 404, "USER_NOT_FOUND");
    const password = `password-${randomUUID()}`;
    assert.deepEqual(ok(await boss.auth.admin.setUserPassword({ userId: made.user.id, newPassword: password })), { status: true });
    await onAnotherDevice({ ...made.person, password });
    for (const [newPassword, code] of [["short", "PASSWORD_TOO_SHORT"], ["x".repeat(129), "PASSWORD_TOO_LONG"], ["", "VALIDATION_ERROR"]])
      refused(await boss.auth.admin.setUserPassword({ userId: made.user.id, newPassword }), 400, code);
    refused(await boss.auth.admin.setUserPassword({ userId: "nope", newPassword: password }), 404, "USER_NOT_FOUND");
  });

  test("ban and unban", async () => {
    const made = await person();
    const me = (await boss.auth.getSession()).data.user;
    const { user } = ok(await boss.auth.admin.banUser({ userId: made.user.id, banReason: "spam", banExpiresIn: 3600 }));
    assert.deepEqual([user.banned, user.banReason], [true, "spam"]);
    assert.equal(await isSignedIn(made.browser), false);
    refused(await new Browser().auth.signIn.email(made.person), 403, "BANNED_USER");
    assert.equal(ok(await boss.auth.admin.unbanUser({ userId: made.user.id })).user.banReason, null);
    await onAnotherDevice(made.person);
    refused(await boss.auth.admin.banUser({ userId: me.id }), 400, "YOU_CANNOT_BAN_YOURSELF");
    refused(await boss.auth.admin.removeUser({ userId: me.id }), 400, "YOU_CANNOT_REMOVE_YOURSELF");
    refused(await boss.auth.admin.banUser({ userId: "nope" }), 404, "USER_NOT_FOUND");
    refused(await boss.auth.admin.unbanUser({ userId: "nope" }), 404, "USER_NOT_FOUND");
  });

  test("see and end sessions of others", async () => {
    const made = await person();
    const { sessions } = ok(await boss.auth.admin.listUserSessions({ userId: made.user.id }));
    assert.equal(sessions.length, 1);
    assert.deepEqual(ok(await boss.auth.admin.revokeUserSession({ sessionToken: sessions[0].token })), { success: true });
    assert.equal(await isSignedIn(made.browser), false);
    const { browser } = await onAnotherDevice(made.person);
    assert.deepEqual(ok(await boss.auth.admin.revokeUserSessions({ userId: made.user.id })), { success: true });
    assert.equal(await isSignedIn(browser), false);
  });

  test("act as somebody else and return", async () => {
    const made = await person();
    const other = await admin();
    const cookie = other.jar.sessionCookie;
    const { session } = ok(await other.auth.admin.impersonateUser({ userId: made.user.id }));
    assert.equal((await other.auth.getSession()).data.user.id, made.user.id);
    assert.ok(session.impersonatedBy);
    const back = ok(await other.auth.admin.stopImpersonating());
    assert.equal(back.user.email, root.email);
    assert.equal(other.jar.sessionCookie, cookie);
    assert.equal((await other.auth.getSession()).data.user.email, root.email);
    assert.equal((await other.auth.admin.stopImpersonating()).error.message, "You are not impersonating anyone");
    refused(await other.auth.admin.impersonateUser({ userId: back.user.id }), 403, "YOU_CANNOT_IMPERSONATE_ADMINS");
    refused(await other.auth.admin.impersonateUser({ userId: "nope" }), 404, "USER_NOT_FOUND");
  });

  test("are told what they may do", async () => {
    const permissions = { user: ["ban"], session: ["list"] };
    assert.deepEqual(ok(await boss.auth.admin.hasPermission({ permissions })), { error: null, success: true });
    const { browser } = await person();
    assert.deepEqual(ok(await browser.auth.admin.hasPermission({ permissions })), { error: null, success: false });
    assertRefused(await post("/admin/has-permission", { permission: permissions }, browser.headers), 400, {
      message: "invalid permission check. no permission(s) were passed.",
    });
  });

  test("alone may do any of it", async () => {
    const { browser, user } = await person();
    const { admin: acts } = browser.auth;
    const of = { userId: user.id };
    const expected = [
      [acts.listUsers({ query: {} }), "LIST_USERS"],
      [acts.getUser({ query: { id: user.id } }), "GET_USER"],
      [acts.createUser(stranger()), "CREATE_USERS"],
      [acts.updateUser({ ...of, data: { name: "x" } }), "UPDATE_USERS"],
      [acts.setRole({ ...of, role: "admin" }), "CHANGE_USERS_ROLE"],
      [acts.setUserPassword({ ...of, newPassword: "password-9-9" }), "SET_USERS_PASSWORD"],
      [acts.banUser(of), "BAN_USERS"],
      [acts.unbanUser(of), "BAN_USERS"],
      [acts.impersonateUser(of), "IMPERSONATE_USERS"],
      [acts.listUserSessions(of), "LIST_USERS_SESSIONS"],
      [acts.revokeUserSession({ sessionToken: "x" }), "REVOKE_USERS_SESSIONS"],
      [acts.revokeUserSessions(of), "REVOKE_USERS_SESSIONS"],
      [acts.removeUser(of), "DELETE_USERS"],
    ];
    for (const [answer, what] of expected) refused(await answer, 403, `YOU_ARE_NOT_ALLOWED_TO_${what}`);
    const nobody = await post("/admin/set-role", { ...of, role: "admin" });
    assert.deepEqual([nobody.status, nobody.text], [401, ""]);
    assert.deepEqual([(await get("/admin/list-users")).status, (await get("/admin/get-user?id=x")).text], [401, ""]);
  });
});
