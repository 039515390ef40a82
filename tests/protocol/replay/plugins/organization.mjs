// Organizations: the first user founds one, the second joins it, the third will not.
const others = ["klys", "ovdm", "d7vc"].map((start) => `better-auth.session_token_multi-${start}…`);
const lacks = [...others, "better-auth.last_used_login_method"];
const place = { on: "organizations", recordedOrigin: "http://localhost:4870", lacks };
const at = (name) => `C · organization · ${name}`;

export const servers = { organizations: { env: {} } };

export const sections = { "C · organization": { ...place, as: "one" } };

const signUp = (actor, name, email, placeholder, more = {}) => async (stage) => {
  const { status, body } = await stage.act(actor, "/sign-up/email", { name, email, password: `password-${actor}`, ...more });
  if (status !== 200) throw new Error(`${actor} does not sign up: ${status} ${body}`);
  if (placeholder) stage.bindings.agree(placeholder, JSON.parse(body).user.id);
};

const invite = (email, placeholder) => async (stage) => {
  const { status, body } = await stage.act("one", "/organization/invite-member", { email, role: "member" });
  if (status !== 200) throw new Error(`${email} is not invited: ${status} ${body}`);
  stage.bindings.agree(placeholder, JSON.parse(body).id);
};

const second = Object.fromEntries(
  [
    "get-full-organization of a stranger",
    "update as stranger",
    "set-active stranger",
    "get-active-member, none active",
    "get-invitation as recipient",
    "list-user-invitations, email not verified",
    "accept-invitation",
    "accept-invitation again",
    "update-member-role of the owner by an admin",
    "list-user-teams",
    "set-active-team",
    "list-team-members",
    "remove-team last",
  ].map((name) => [at(name), { as: "two" }]),
);

export const exchanges = {
  ...second,
  [at("check-slug free")]: { before: signUp("one", "User One", "u1@example.com", "QvMDzO…", { username: "User_One" }) },
  [at("create signed out")]: { as: "nobody" },
  [at("get-full-organization, nothing active")]: { as: "two", before: signUp("two", "u2", "u2@example.com", "3WYfCy…") },
  [at("cancel-invitation")]: { before: invite("u3@example.com", "7acJJU…") },
  [at("reject-invitation")]: {
    as: "three",
    before: async (stage) => {
      await signUp("three", "u3", "u3@example.com")(stage);
      await invite("u3@example.com", "doJEtT…")(stage);
    },
  },
  [at("reject-invitation again")]: { as: "three" },
};
