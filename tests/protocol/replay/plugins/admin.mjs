// Section "admin" of part C: who the recording calls Admin is the operator's first administrator here.
const password = "password-admin-1";

export const servers = {
  admin: { env: { Admin__Email: "admin@contract.test", Admin__Password: password } },
};

export const sections = {
  "C · admin": {
    on: "admin",
    as: "admin",
    recordedOrigin: "http://localhost:4870",
    // Of other plugins of the recorded server, and what our return from an impersonation takes away.
    lacks: [
      "better-auth.session_token_multi-8p3u…",
      "better-auth.session_token_multi-ovdm…",
      "better-auth.session_token_multi-50wu…",
      "better-auth.last_used_login_method",
      "better-auth.dont_remember",
    ],
  },
};

async function done(answer, what) {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`${what}: ${status} ${body}`);
  return JSON.parse(body);
}

const signUp = (stage, actor, name, email, more = {}) =>
  done(stage.act(actor, "/sign-up/email", { name, email, password: `password-${actor}-1`, ...more }), `${actor} signs up`);
const asUser = { as: "u1" };

export const exchanges = {
  "C · admin · list-users": {
    before: async (stage) => {
      const { token, user } = await done(stage.act("admin", "/sign-in/email", { email: "admin@contract.test", password }), "admin signs in");
      stage.bindings.agree("8P3udz…", token);
      stage.bindings.agree("FMklTC…", user.id);
      await done(stage.act("admin", "/admin/update-user", { userId: user.id, data: { name: "Admin" } }), "admin is called so");
      await signUp(stage, "u1", "User One", "u1@example.com", { username: "User_One" });
      await signUp(stage, "u2", "u2", "u2@example.com");
    },
  },
  "C · admin · list-users as ordinary user": asUser,
  "C · admin · set-role as ordinary user": asUser,
  "C · admin · has-permission, ordinary user": asUser,
  "C · admin · list-user-sessions": {
    before: (stage) => done(stage.act("made", "/sign-in/email", { email: "made9@example.com", password: "password-made-2", rememberMe: true }), "made signs in"),
  },
};
