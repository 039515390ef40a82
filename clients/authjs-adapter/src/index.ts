import type {
  Adapter,
  AdapterAccount,
  AdapterAuthenticator,
  AdapterSession,
  AdapterUser,
  VerificationToken,
} from "@auth/core/adapters";
import { ModularError, wire } from "./wire.js";
import type { Json, ModularAdapterOptions } from "./wire.js";

export { ModularError } from "./wire.js";
export type { ModularAdapterOptions, Visitor } from "./wire.js";

/** Every method of the interface: nothing is left out that a provider could ask for. */
export type ModularAdapter = Required<Adapter>;

/**
 * Keeps users, accounts, sessions, passkeys and the tokens of magic links on a Modular server.
 *
 * Null is answered only where the server has said that there is no such thing. Whatever goes wrong on the way rejects, because
 * Auth.js takes a null for the truth and would sign people out.
 */
export function ModularAdapter(options: ModularAdapterOptions): ModularAdapter {
  const call = wire(options);

  const find = async <T>(method: string, body: Json, read: (data: Json, method: string) => T): Promise<T | null> => {
    const data = await call(method, body);
    return data === null ? null : read(object(data, method), method);
  };

  const make = async <T>(method: string, body: Json, read: (data: Json, method: string) => T): Promise<T> =>
    read(object(await call(method, body), method), method);

  // Auth.js takes this object apart by its keys and calls what it finds without `this`.
  return {
    createUser: ({ name, email, image, emailVerified }) =>
      make("create-user", { name: text(name), email: text(email), image: text(image), emailVerified }, user),

    getUser: (id) => find("get-user", { id }, user),

    getUserByEmail: (email) => find("get-user-by-email", { email }, user),

    getUserByAccount: ({ provider, providerAccountId }) =>
      find("get-user-by-account", { provider, providerAccountId: String(providerAccountId) }, user),

    // What is undefined does not get into the body, and stays as it is; null clears.
    updateUser: ({ id, name, email, image, emailVerified }) => make("update-user", { id, name, email, image, emailVerified }, user),

    deleteUser: async (id) => {
      await call("delete-user", { id });
      return null;
    },

    linkAccount: async (account) => {
      await call("link-account", accountBody(account));
      return account;
    },

    unlinkAccount: async ({ provider, providerAccountId }) => {
      await call("unlink-account", { provider, providerAccountId: String(providerAccountId) });
      return undefined;
    },

    getAccount: (providerAccountId, provider) =>
      find("get-account", { provider, providerAccountId: String(providerAccountId) }, account),

    createSession: ({ sessionToken, userId, expires }) => make("create-session", { sessionToken, userId, expires }, session),

    getSessionAndUser: (sessionToken) =>
      find("get-session-and-user", { sessionToken }, (data, method) => ({
        session: session(object(data.session, method), method),
        user: user(object(data.user, method), method),
      })),

    updateSession: ({ sessionToken, expires }) => find("update-session", { sessionToken, expires }, session),

    deleteSession: (sessionToken) => find("delete-session", { sessionToken }, session),

    createVerificationToken: ({ identifier, token, expires }) =>
      make("create-verification-token", { identifier, token, expires }, verificationToken),

    useVerificationToken: ({ identifier, token }) => find("use-verification-token", { identifier, token }, verificationToken),

    getAuthenticator: (credentialID) => find("get-authenticator", { credentialID }, authenticator),

    createAuthenticator: (given) =>
      make(
        "create-authenticator",
        {
          credentialID: given.credentialID,
          userId: given.userId,
          providerAccountId: given.providerAccountId,
          credentialPublicKey: given.credentialPublicKey,
          counter: given.counter,
          credentialDeviceType: given.credentialDeviceType,
          credentialBackedUp: given.credentialBackedUp,
          transports: given.transports,
        },
        authenticator,
      ),

    listAuthenticatorsByUserId: async (userId) => {
      const data = await call("list-authenticators", { userId });
      if (!Array.isArray(data)) throw new ModularError("list-authenticators", "answered no list");
      return data.map((one) => authenticator(object(one, "list-authenticators"), "list-authenticators"));
    },

    updateAuthenticatorCounter: (credentialID, newCounter) =>
      make("update-authenticator-counter", { credentialID, newCounter }, authenticator),
  };
}

// ------------------------------------------------------------------------------------------------- what is asked

// A provider's profile may hold anything.
const text = (value: unknown): string | null | undefined => (value === null || value === undefined ? value : String(value));

const whole = (value: unknown): number | undefined => {
  const number = value === null || value === undefined || value === "" ? NaN : Number(value);
  return Number.isFinite(number) ? Math.floor(number) : undefined;
};

const accountBody = (given: AdapterAccount): Json => ({
  userId: given.userId,
  type: given.type,
  provider: given.provider,
  providerAccountId: String(given.providerAccountId),
  refresh_token: text(given.refresh_token),
  access_token: text(given.access_token),
  expires_at: whole(given.expires_at),
  token_type: text(given.token_type),
  scope: text(given.scope),
  id_token: text(given.id_token),
  session_state: text(given.session_state),
});

// ---------------------------------------------------------------------------------------------- what is answered
// Member by member, whatever else may be in it: Auth.js shows some of these objects to browsers as they are. Times are told by
// the names of their members, never by their looks: a user may be called like a date.

const object = (value: unknown, method: string): Json => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new ModularError(method, "answered no object");
  return value as Json;
};

const string = (data: Json, name: string, method: string): string => {
  const value = data[name];
  if (typeof value !== "string") throw new ModularError(method, `answered no ${name}`);
  return value;
};

const stringOrNull = (data: Json, name: string, method: string): string | null =>
  data[name] === null ? null : string(data, name, method);

const time = (data: Json, name: string, method: string): Date => {
  const at = new Date(string(data, name, method));
  // With a date that is none a session would never end.
  if (Number.isNaN(at.getTime())) throw new ModularError(method, `answered no time as ${name}`);
  return at;
};

const user = (data: Json, method: string): AdapterUser => ({
  id: string(data, "id", method),
  name: stringOrNull(data, "name", method),
  // Auth.js says that everybody has one, and registers people who have none.
  email: stringOrNull(data, "email", method) as string,
  emailVerified: data.emailVerified === null ? null : time(data, "emailVerified", method),
  image: stringOrNull(data, "image", method),
});

const session = (data: Json, method: string): AdapterSession => ({
  sessionToken: string(data, "sessionToken", method),
  userId: string(data, "userId", method),
  expires: time(data, "expires", method),
});

const verificationToken = (data: Json, method: string): VerificationToken => ({
  identifier: string(data, "identifier", method),
  token: string(data, "token", method),
  expires: time(data, "expires", method),
});

const optional = <K extends string>(data: Json, ...names: K[]): Partial<Record<K, string>> =>
  Object.fromEntries(names.filter((name) => typeof data[name] === "string").map((name) => [name, data[name]])) as Partial<Record<K, string>>;

const account = (data: Json, method: string): AdapterAccount => ({
  userId: string(data, "userId", method),
  type: string(data, "type", method) as AdapterAccount["type"],
  provider: string(data, "provider", method),
  providerAccountId: string(data, "providerAccountId", method),
  ...optional(data, "refresh_token", "access_token", "scope", "id_token", "session_state"),
  ...(typeof data.token_type === "string" ? { token_type: data.token_type as Lowercase<string> } : {}),
  ...(typeof data.expires_at === "number" ? { expires_at: data.expires_at } : {}),
});

const authenticator = (data: Json, method: string): AdapterAuthenticator => {
  if (typeof data.counter !== "number" || typeof data.credentialBackedUp !== "boolean")
    throw new ModularError(method, "answered no authenticator");
  return {
    credentialID: string(data, "credentialID", method),
    userId: string(data, "userId", method),
    providerAccountId: string(data, "providerAccountId", method),
    credentialPublicKey: string(data, "credentialPublicKey", method),
    counter: data.counter,
    credentialDeviceType: string(data, "credentialDeviceType", method) as AdapterAuthenticator["credentialDeviceType"],
    credentialBackedUp: data.credentialBackedUp,
    ...optional(data, "transports"),
  };
};
