// Usernames, and users who do not say who they are.
const place = { on: "names", recordedOrigin: "http://localhost:4870", lacks: [] };

export const servers = { names: { env: {} } };

export const sections = {
  "C · username": { ...place, as: "nobody" },
  "C · anonymous": { ...place, as: "guest" },
};

const signUp = (actor, body) => async (stage) => {
  const { status, body: text } = await stage.act(actor, "/sign-up/email", body);
  if (status !== 200) throw new Error(`${actor} does not sign up: ${status} ${text}`);
};

export const exchanges = {
  "C · username · sign-in/username": {
    as: "one",
    before: signUp("first", { name: "User One", email: "u1@example.com", password: "password-u1", username: "User_One" }),
  },
  "C · username · update-user username": {
    as: "two",
    before: signUp("two", { name: "User Two", email: "u2@example.com", password: "password-u2" }),
  },
};
