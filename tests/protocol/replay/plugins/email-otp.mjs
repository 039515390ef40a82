// Codes are found in the mailbox: the newest to an address, once it has got this many mails.
async function codeTo(stage, to, count) {
  for (const deadline = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const mails = JSON.parse((await stage.send("GET", `/dev/mailbox?to=${encodeURIComponent(to)}`)).body);
    const codes = mails.flatMap((mail) => mail.text.match(/^\d{6}$/m)?.[0] ?? []);
    if (codes.length >= count) return codes.at(-1);
    if (Date.now() > deadline) throw new Error(`${codes.length} codes to ${to} instead of ${count}`);
  }
}

const otp = (to, count, as) => ({
  ...(as ? { as } : {}),
  before: async (stage) => (stage.code = await codeTo(stage, to, count)),
  body: (stage, body) => body.replace(/"otp":"\d+"/, `"otp":"${stage.code}"`),
});

// Not the one that was mailed, were it six zeros.
const wrong = { body: (_, body) => body.replace('"000000"', '"wrong!"') };
const EO = "eo@example.com";

export const servers = { "email-otp": { env: {} } };

export const sections = {
  "C · email-otp": {
    on: "email-otp",
    as: "nobody",
    recordedOrigin: "http://localhost:4870",
    // Of other devices and other plugins.
    lacks: ["better-auth.session_token_multi-c0kx…", "better-auth.last_used_login_method"],
  },
};

export const exchanges = {
  "C · email-otp · sign-in/email-otp wrong": { before: (stage) => codeTo(stage, EO, 1), ...wrong },
  "C · email-otp · sign-in/email-otp": otp(EO, 1),
  "C · email-otp · sign-in/email-otp reused": otp(EO, 1),
  "C · email-otp · check-verification-otp": {
    ...otp(EO, 2),
    before: async (stage) => {
      await stage.act("another", "/email-otp/send-verification-otp", { email: EO, type: "email-verification" });
      stage.code = await codeTo(stage, EO, 2);
    },
  },
  "C · email-otp · verify-email": otp(EO, 2),
  "C · email-otp · reset-password after three wrong codes": {
    ...wrong,
    before: async (stage) => {
      await codeTo(stage, EO, 3);
      for (let guess = 0; guess < 3; guess++)
        await stage.act("another", "/email-otp/reset-password", { email: EO, otp: "wrong!", password: "password-eo-1" });
    },
  },
  "C · email-otp · reset-password": otp(EO, 4),
  // Here the reset has ended the session.
  "C · email-otp · request-email-change": {
    as: "eo",
    before: async (stage) => {
      const { body } = await stage.act("eo", "/sign-in/email", { email: EO, password: "password-eo-1" });
      stage.bindings.rebind("C0kxuU…", JSON.parse(body).token);
    },
  },
  "C · email-otp · change-email": otp("eo2@example.com", 1, "eo"),
};
