// A Chromium with profiles of their own, each with an authenticator behind it (CDP's WebAuthn domain).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chromium } from "playwright-core";

export const server = process.env.MODULAR_URL;
const { PAGE_URL: trusted, STRANGER_URL: strangers } = process.env;

export const openChromium = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });

/** A phone or laptop with a key of its own: it counts, knows its user by finger, and finds keys without being told which. */
const PLATFORM = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

/** One browser profile, on our page or a stranger's. */
export async function openProfile(browser, { stranger = false, authenticator = {} } = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const problems = [];
  page.on("pageerror", (problem) => problems.push(problem.message));
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options: { ...PLATFORM, ...authenticator } });
  await page.goto(`${stranger ? strangers : trusted}/?server=${encodeURIComponent(server)}`);
  await page.waitForFunction(() => window.auth);
  return new Profile({ context, page, devtools, authenticatorId, problems });
}

class Profile {
  constructor(parts) {
    Object.assign(this, parts);
  }

  /** Calls a method of the page's client by its path: `call("passkey.addPasskey", { name })`. */
  call(path, argument, options) {
    return this.page.evaluate(
      async ([path, argument, options]) => {
        const found = path.split(".").reduce((at, name) => at[name], window.auth);
        const { data, error } = await found(argument, options);
        return { data: data && JSON.parse(JSON.stringify(data)), error };
      },
      [path, argument, options],
    );
  }

  async signUp() {
    const person = { name: "Ann", email: `ann.${randomUUID()}@example.com`, password: `password-${randomUUID()}` };
    const { data, error } = await this.call("signUp.email", person);
    assert.equal(error, null);
    return { ...person, id: data.user.id };
  }

  async user() {
    return (await this.call("getSession")).data?.user ?? null;
  }

  /** The keys of the authenticator, private halves included. */
  async keys() {
    const { credentials } = await this.devtools.send("WebAuthn.getCredentials", { authenticatorId: this.authenticatorId });
    return credentials;
  }

  give(credential) {
    return this.devtools.send("WebAuthn.addCredential", { authenticatorId: this.authenticatorId, credential });
  }
}
