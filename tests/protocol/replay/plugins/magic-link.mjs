// Links are found in the mailbox; what the recording says of their token stands for it from then on.
const openLink = (placeholder) => async (stage) => {
  const link = await stage.mailedLink("ml@example.com", "magic-link/verify");
  stage.bindings.rebind(placeholder, link.searchParams.get("token"));
};

export const servers = { "magic-link": { env: {} } };

export const sections = {
  "C · magic-link": { on: "magic-link", as: "nobody", recordedOrigin: "http://localhost:4870" },
};

export const exchanges = {
  "C · magic-link · magic-link/verify (new user)": { before: openLink("RcXTDY…") },
  "C · magic-link · magic-link/verify without callbackURL answers JSON": {
    before: async (stage) => {
      const first = await stage.mailedLink("ml@example.com", "magic-link/verify");
      await stage.act("another", "/sign-in/magic-link", { email: "ml@example.com" });
      for (let link = first; link.href === first.href; )
        link = await stage.mailedLink("ml@example.com", "magic-link/verify");
      await openLink("vQnkvH…")(stage);
    },
  },
};
