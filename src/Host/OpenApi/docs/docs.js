// Browses /openapi/v1.json. Everything is made by DOM calls: nothing of the document is ever parsed as HTML.
const METHODS = ["get", "post", "put", "patch", "delete"];
const main = document.getElementById("operations");
const contents = document.getElementById("contents");
const search = document.getElementById("search");
const notice = document.getElementById("notice");
let api;

/** An element with properties, attributes (aria-*, for…) and children. */
function make(name, props = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function resolve(schema) {
  const seen = new Set();
  while (schema?.$ref && !seen.has(schema.$ref)) {
    seen.add(schema.$ref);
    schema = schema.$ref.slice(2).split("/").reduce((at, part) => at?.[part], api);
  }
  return schema ?? {};
}

/** OpenAPI 3.1 writes "or null" as one more type, or as one more alternative. */
function withoutNull(schema) {
  const found = resolve(schema);
  const alternatives = (found.oneOf ?? found.anyOf ?? []).filter((one) => one.type !== "null");
  return alternatives.length === 1 ? withoutNull(alternatives[0]) : found;
}

const typesOf = (schema) => [schema.type ?? []].flat();

function nameOfType(schema) {
  const found = resolve(schema);
  const inner = withoutNull(schema);
  const types = typesOf(inner).filter((type) => type !== "null" && !(type === "string" && inner.type.length > 1 && inner.pattern));
  let name = inner.enum
    ? inner.enum.filter((value) => value !== null).map((value) => JSON.stringify(value)).join(" | ")
    : types[0] === "array"
      ? `${nameOfType(inner.items ?? {})}[]`
      : types.join(" | ") || (inner.properties ? "object" : "any");
  if (inner.format) name += ` (${inner.format})`;
  const nullable = typesOf(found).includes("null") || (found.oneOf ?? found.anyOf ?? []).some((one) => one.type === "null");
  return nullable ? `${name} | null` : name;
}

function example(schema, depth = 0) {
  const found = withoutNull(schema);
  if (found.example !== undefined) return found.example;
  if (found.default !== undefined) return found.default;
  if (found.enum) return found.enum[0];
  const type = typesOf(found).find((one) => one !== "null") ?? (found.properties ? "object" : undefined);
  if (type === "object") {
    if (depth > 4) return {};
    // What must be there; where nothing must, everything.
    const names = Object.entries(found.properties ?? {}).filter(([name]) => !found.required?.length || found.required.includes(name));
    return Object.fromEntries(
      names.map(([name, member]) => [name, example(member, depth + 1)]),
    );
  }
  if (type === "array") return depth > 4 ? [] : [example(found.items ?? {}, depth + 1)];
  if (type === "boolean") return false;
  if (type === "integer" || type === "number") return 0;
  if (found.format === "date-time") return "2026-01-01T12:00:00.000Z";
  return type === "string" ? "" : null;
}

function tableOf(caption, heads, rows) {
  return make(
    "table",
    {},
    make("caption", { className: "hidden" }, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows),
  );
}

/** The members of an object schema, nested ones indented by their path. */
function members(schema, prefix = "", depth = 0) {
  const found = withoutNull(schema);
  if (typesOf(found).includes("array")) return members(found.items ?? {}, `${prefix}[].`, depth);
  return Object.entries(found.properties ?? {}).flatMap(([name, member]) => {
    const inner = withoutNull(member);
    const row = make(
      "tr",
      {},
      make("td", {}, make("code", {}, prefix + name)),
      make("td", {}, nameOfType(member)),
      make("td", {}, found.required?.includes(name) ? "yes" : ""),
      make("td", {}, inner.description ?? ""),
    );
    const nested = typesOf(inner).includes("array") ? `${prefix}${name}` : `${prefix}${name}.`;
    return [row, ...(depth < 3 ? members(member, nested, depth + 1) : [])];
  });
}

function schemaView(caption, schema) {
  const rows = members(schema);
  return rows.length > 0
    ? tableOf(caption, ["Member", "Type", "Required", "Meaning"], rows)
    : make("p", {}, make("code", {}, nameOfType(schema)));
}

function parametersOf(operation) {
  return (operation.parameters ?? []).map(resolve);
}

function responsesView(operation) {
  return Object.entries(operation.responses ?? {}).flatMap(([status, response]) => {
    const found = resolve(response);
    const [type, media] = Object.entries(found.content ?? {})[0] ?? [];
    return [
      make("p", {}, make("code", { className: status < "400" ? "good" : "bad" }, status), ` ${found.description ?? ""} ${type ?? ""}`),
      media?.schema && members(media.schema).length > 0 ? schemaView(`Answer ${status}`, media.schema) : null,
    ];
  });
}

const shellQuoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function tryIt(method, path, operation) {
  const id = `try-${operation.operationId ?? method + path}`;
  const inputs = parametersOf(operation)
    .filter((parameter) => parameter.in !== "cookie")
    .map((parameter, at) => ({
      parameter,
      input: make("input", { id: `${id}-${at}`, required: parameter.in === "path", placeholder: nameOfType(parameter.schema ?? {}) }),
    }));
  const [type, media] = Object.entries(resolve(operation.requestBody).content ?? {})[0] ?? [];
  const body = type
    ? make("textarea", { id: `${id}-body`, spellcheck: false, value: JSON.stringify(example(media.schema ?? {}), null, 2) })
    : null;
  const button = make("button", { type: "submit" }, "Send");
  const answer = make("div", { className: "answer", role: "status" });

  const request = () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, input } of inputs) {
      if (input.value === "") continue;
      if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (parameter.in === "query") query.append(parameter.name, input.value);
      else headers[parameter.name] = input.value;
    }
    if (body) headers["content-type"] = type;
    const search = query.toString();
    return { url: search ? `${url}?${search}` : url, init: { method: method.toUpperCase(), headers, body: body?.value } };
  };

  const send = async (event) => {
    event.preventDefault();
    button.disabled = true;
    const { url, init } = request();
    const since = performance.now();
    try {
      const response = await fetch(url, { ...init, credentials: "same-origin" });
      const text = await response.text();
      const took = Math.round(performance.now() - since);
      let shown = text;
      try {
        shown = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // not JSON: shown as it came
      }
      const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      answer.replaceChildren(
        make("p", {}, make("strong", { className: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`), ` in ${took} ms`),
        make("pre", { tabIndex: 0, "aria-label": "Body of the answer" }, shown || "(empty)"),
        make("details", {}, make("summary", {}, "Headers"), make("pre", {}, headers)),
        make("details", {}, make("summary", {}, "The same with curl"), make("pre", {}, curl(url, init))),
      );
    } catch (problem) {
      answer.replaceChildren(make("p", { className: "bad" }, `No answer: ${problem.message}`));
    } finally {
      button.disabled = false;
    }
  };

  return make(
    "form",
    { className: "try", onsubmit: send },
    make("h3", {}, "Try it"),
    inputs.length > 0
      ? make("div", { className: "fields" }, ...inputs.flatMap(({ parameter, input }) => [make("label", { htmlFor: input.id }, parameter.name), input]))
      : null,
    body ? make("label", { htmlFor: body.id }, `Body, ${type}`) : null,
    body,
    button,
    answer,
  );
}

function curl(url, { method, headers, body }) {
  const lines = [`curl -i ${method === "GET" ? "" : `-X ${method} `}${shellQuoted(location.origin + url)}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${shellQuoted(`${name}: ${value}`)}`);
  if (method !== "GET") lines.push(`-H ${shellQuoted(`origin: ${location.origin}`)}`);
  if (body) lines.push(`-d ${shellQuoted(body)}`);
  return lines.join(" \\\n  ");
}

function bodyOf(method, path, operation) {
  const parameters = parametersOf(operation);
  const [type, media] = Object.entries(resolve(operation.requestBody).content ?? {})[0] ?? [];
  return make(
    "div",
    { className: "body" },
    operation.description && operation.description !== operation.summary ? make("p", {}, operation.description) : null,
    parameters.length > 0 ? make("h3", {}, "Parameters") : null,
    parameters.length > 0
      ? tableOf(
          "Parameters",
          ["Name", "In", "Type", "Required", "Meaning"],
          parameters.map((one) =>
            make(
              "tr",
              {},
              make("td", {}, make("code", {}, one.name)),
              make("td", {}, one.in),
              make("td", {}, nameOfType(one.schema ?? {})),
              make("td", {}, one.required ? "yes" : ""),
              make("td", {}, one.description ?? ""),
            ),
          ),
        )
      : null,
    type ? make("h3", {}, `Body, ${type}`) : null,
    media?.schema ? schemaView("Body", media.schema) : null,
    make("h3", {}, "Answers"),
    ...responsesView(operation),
    tryIt(method, path, operation),
  );
}

function operationView(method, path, operation, id) {
  const view = make(
    "details",
    { className: "operation", id },
    make(
      "summary",
      {},
      make("span", { className: `method ${method}` }, method.toUpperCase()),
      make("span", {}, make("span", { className: "path" }, path), " ", make("span", { className: "says" }, operation.summary ?? "")),
      operation.security?.length > 0 ? make("span", { className: "lock" }, "needs a session") : null,
    ),
  );
  // Most are never opened, so what is inside is made when one is.
  view.addEventListener("toggle", () => {
    if (view.open && view.childElementCount === 1) view.append(bodyOf(method, path, operation));
  });
  view.dataset.text = [method, path, operation.summary, operation.description, operation.operationId].join(" ").toLowerCase();
  return view;
}

function show() {
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths ?? {}))
    for (const method of METHODS)
      if (item[method]) {
        const tag = item[method].tags?.[0] ?? "Other";
        if (!groups.has(tag)) groups.set(tag, []);
        groups.get(tag).push({ method, path, operation: item[method], id: item[method].operationId ?? `${method}${path.replaceAll("/", "-")}` });
      }

  document.getElementById("version").textContent = api.info.version;
  document.getElementById("intro").textContent = api.info.description ?? "";
  for (const [tag, operations] of [...groups].sort(([a], [b]) => a.localeCompare(b))) {
    operations.sort((a, b) => a.path.localeCompare(b.path) || METHODS.indexOf(a.method) - METHODS.indexOf(b.method));
    main.append(
      make("section", { "aria-label": tag }, make("h2", {}, tag), ...operations.map((one) => operationView(one.method, one.path, one.operation, one.id))),
    );
    contents.append(
      make(
        "section",
        {},
        make("h2", {}, tag),
        make(
          "ul",
          {},
          ...operations.map(({ method, path, id }) =>
            make("li", {}, make("a", { href: `#${id}` }, make("span", { className: `method ${method}` }, method.toUpperCase()), make("span", {}, path.replace("/api/", "")))),
          ),
        ),
      ),
    );
  }
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const view of main.querySelectorAll("details.operation")) {
    view.hidden = !words.every((word) => view.dataset.text.includes(word));
    if (!view.hidden) found++;
    contents.querySelector(`a[href="#${CSS.escape(view.id)}"]`).parentElement.hidden = view.hidden;
  }
  for (const section of [...main.querySelectorAll("section"), ...contents.querySelectorAll("section")])
    section.hidden = !section.querySelector("details.operation:not([hidden]), li:not([hidden])");
  notice.textContent = words.length === 0 ? "" : `${found} ${found === 1 ? "operation" : "operations"} found.`;
}

function openLinked() {
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!linked?.matches("details.operation")) return;
  linked.open = true;
  linked.scrollIntoView();
  linked.querySelector("summary").focus({ preventScroll: true });
}

search.addEventListener("input", filter);
window.addEventListener("hashchange", openLinked);
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input, textarea, select");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && event.target === search) {
    search.value = "";
    filter();
  }
});

try {
  const response = await fetch("/openapi/v1.json");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  api = await response.json();
  notice.textContent = "";
  show();
  openLinked();
} catch (problem) {
  notice.textContent = `The description cannot be shown: ${problem.message}`;
}
