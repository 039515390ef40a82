/** A JSON object. */
export type Json = Record<string, unknown>;

/** Who makes the request that the application answers; what it does not know it leaves out. */
export interface Visitor {
  /** IPv4 or IPv6, as the platform vouches for it: the first of a header that anybody can send is worth nothing. */
  ipAddress?: string | null | undefined;
  userAgent?: string | null | undefined;
}

export interface ModularAdapterOptions {
  /** Where the Modular server is, e.g. `https://id.example.com`. */
  baseUrl: string | URL | undefined;
  /** Its `Adapter:ApiKey`; a function is asked at every call, for keys that change while the application runs. */
  apiKey: string | undefined | (() => string | Promise<string>);
  /** Milliseconds until a call that is not answered rejects; 10,000 unless told. */
  timeout?: number | undefined;
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Asked at every call, for the log, the list of devices and mails about new ones. What it throws is ignored. */
  visitor?: (() => Visitor | null | undefined | Promise<Visitor | null | undefined>) | undefined;
}

/** A call that was not answered as it should be. Says nothing of what was sent. */
export class ModularError extends Error {
  override readonly name = "ModularError";

  constructor(
    /** Which call, as the last part of its path. */
    readonly method: string,
    problem: string,
    /** HTTP status; undefined: there was no answer. */
    readonly status?: number,
    /** The server's code, e.g. `email_taken`; undefined: the answer is not the server's, or there was none. */
    readonly code?: string,
    options?: ErrorOptions,
  ) {
    super(`Modular ${method}: ${problem}`, options);
  }
}

const patience = 10_000;

/** Calls that answer what is in `data`, and reject in every other case. */
export function wire({ baseUrl, apiKey, timeout = patience, fetch, visitor }: ModularAdapterOptions) {
  return async function call(method: string, body: Json): Promise<unknown> {
    const { status, type, content } = await exchange(method, body);
    const parsed = type.startsWith("application/json") ? parse(content) : undefined;
    if (status !== 200) {
      const { error, code } = (parsed ?? {}) as { error?: unknown; code?: unknown };
      const isOurs = typeof error === "string" && typeof code === "string";
      throw new ModularError(method, isOurs ? `${error} (${status} ${code})` : `was answered with status ${status}`, status, isOurs ? code : undefined);
    }

    // Exactly this: a null may come from many a program on the way, and must not be taken for ours.
    if (typeof parsed !== "object" || parsed === null || Object.keys(parsed).join() !== "data")
      throw new ModularError(method, "was not answered by a Modular server", status);
    return (parsed as { data: unknown }).data;
  };

  // Also an answer that breaks off, or takes too long, is none.
  async function exchange(method: string, body: Json) {
    const url = address(method);
    const headers = { ...(await secret(method)), ...(await introduction()), accept: "application/json", "content-type": "application/json" };
    try {
      const response = await (fetch ?? globalThis.fetch)(url, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        redirect: "error",
        cache: "no-store",
        signal: AbortSignal.timeout(timeout),
      });
      return { status: response.status, type: response.headers.get("content-type") ?? "", content: await response.text() };
    } catch (cause) {
      throw new ModularError(method, "was not answered", undefined, undefined, { cause });
    }
  }

  // At the first call and not before: applications are built where their settings are not known.
  function address(method: string): URL {
    if (!baseUrl) throw new ModularError(method, "baseUrl is not set");
    const base = new URL(baseUrl);
    base.pathname = base.pathname.replace(/\/*$/, `/api/adapter/${method}`);
    return base;
  }

  async function secret(method: string): Promise<Record<string, string>> {
    const key = typeof apiKey === "function" ? await apiKey() : apiKey;
    if (!key) throw new ModularError(method, "apiKey is not set");
    return { authorization: `Bearer ${key}` };
  }

  async function introduction(): Promise<Record<string, string>> {
    const headers: Record<string, string> = {};
    if (!visitor) return headers;
    try {
      const who = await visitor();
      if (who?.ipAddress) headers["x-visitor-ip"] = printable(who.ipAddress);
      if (who?.userAgent) headers["x-visitor-user-agent"] = printable(who.userAgent);
    } catch {
      // Outside a request there is nobody to ask about, and nothing depends on it.
    }

    return headers;
  }
}

const printable = (value: string): string => value.replace(/[^\x20-\x7e]/g, "?").slice(0, 512);

function parse(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
