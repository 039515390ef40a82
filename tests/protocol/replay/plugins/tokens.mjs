// bearer, jwt, multi-session, one-time-token, and what the plugins add to core answers: two users of the recording, "u1"
// and "u2", who are signed up in sections before.

export const servers = { tokens: { env: {} } };

const tokens = { on: "tokens", recordedOrigin: "http://localhost:4870" };

export const sections = {
  "C · Effect of the plugins on core answers": { ...tokens, as: "one" },
  "C · bearer": { ...tokens, as: "nobody" },
  "C · jwt": { ...tokens, as: "two" },
  "C · multi-session": { ...tokens, as: "both" },
  "C · one-time-token": { ...tokens, as: "two" },
};

async function done(answer, what) {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`${what}: ${status} ${body}`);
  return JSON.parse(body);
}

const signIn = (stage, actor, email) =>
  done(stage.act(actor, "/sign-in/email", { email, password: `password-${email.slice(0, 2)}` }), `${email} signs in`);

/** What the recording calls a session's token stands for this one. */
const named = (stage, placeholder, token) => {
  if (!stage.bindings.agree(placeholder, token)) throw new Error(`${placeholder} stands for something else already`);
};

const signed = (stage, actor) => decodeURIComponent(stage.jar(actor).get("better-auth.session_token"));

// As in the recording: a username without a display name is one that came later.
async function signUpTwo(stage) {
  const { token } = await done(
    stage.act("two", "/sign-up/email", { name: "u2", email: "u2@example.com", password: "password-u2" }),
    "u2 signs up",
  );
  named(stage, "oVdM3Q…", token);
  await done(stage.act("two", "/update-user", { username: "taken_two" }), "u2 takes a username");
}

// No organization is active here.
const withoutOrganization = (answer) => {
  const body = JSON.parse(answer.body);
  Object.assign(body.session, { activeOrganizationId: null, activeTeamId: null, updatedAt: body.session.createdAt });
  return { ...answer, body: JSON.stringify(body) };
};

export const exchanges = {
  "C · Effect of the plugins on core answers · sign-up (multi-session, last-login-method and bearer add headers)": {},
  "C · bearer · get-session with the signed token": {
    before: async (stage) => named(stage, "vuJ1Zi…", (await signIn(stage, "bearer", "u1@example.com")).token),
    headers: (stage) => ({ authorization: `Bearer ${signed(stage, "bearer")}` }),
  },
  "C · bearer · get-session with the bare token": {
    headers: (stage) => ({ authorization: `bearer ${stage.bindings.get("vuJ1Zi…")}` }),
  },
  "C · bearer · POST with bearer and no cookie needs no Origin": {
    headers: (stage) => ({ authorization: `Bearer ${signed(stage, "bearer")}` }),
  },
  "C · jwt · token": { before: signUpTwo },
  "C · multi-session · list-device-sessions": {
    before: async (stage) => {
      named(stage, "oLhY98…", (await signIn(stage, "both", "u1@example.com")).token);
      named(stage, "HCx4bH…", (await signIn(stage, "both", "u2@example.com")).token);
    },
  },
  "C · one-time-token · verify (signs in this client with the same session)": {
    as: "nobody",
    recorded: withoutOrganization,
  },
  "C · one-time-token · verify again": { as: "nobody" },
};
