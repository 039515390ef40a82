// Reads the recorded exchanges: a Markdown file of parts (#), sections (##) and exchanges (###, one http block each). A
// block that begins with an empty line is a conversation: several exchanges, numbered, of which only bodies were recorded.

/** `[{ part: "A", section, title, name, request: { method, path, headers, body }, response: { status, headers, body } }]` */
export function parseTranscript(text) {
  const exchanges = [];
  let part, section, title, block;
  for (const line of text.split("\n")) {
    if (block) {
      if (line !== "```") block.push(line);
      else if (block[0] === "") {
        for (const spoken of parseConversation(block))
          exchanges.push({ part, section, ...spoken, name: `${part} · ${section} · ${spoken.title}` });
        block = undefined;
      } else {
        exchanges.push({ part, section, title, name: `${part} · ${section} · ${title}`, ...parseBlock(block, title) });
        block = undefined;
      }
    } else if (line === "```http") block = [];
    else if (line.startsWith("### ")) title = line.slice(4);
    else if (line.startsWith("## ")) section = line.slice(3);
    else if (line.startsWith("# Part ")) part = line.slice("# Part ".length, "# Part ".length + 1);
  }
  return exchanges;
}

function parseBlock(lines, title) {
  const answer = lines.findIndex((line) => /^HTTP \d{3} /.test(line));
  if (answer < 0) throw new Error(`the exchange "${title}" has no answer`);
  const [line, ...request] = lines.slice(0, answer);
  const [method, path] = line.split(" ");
  const [statusLine, ...response] = lines.slice(answer);
  return {
    request: { method, path, ...parseMessage(request) },
    response: { status: Number(statusLine.split(" ")[1]), ...parseMessage(response) },
  };
}

function parseConversation(lines) {
  const spoken = lines.join("\n").split(/\n\n+/).map((text) => text.trim()).filter((text) => /^(GET|POST) /.test(text));
  return spoken.map((text, at) => {
    const [, method, path, body = "", status, answer] = /^(\w+) (\S+) *\n(?:(\{.*\}) *\n)?HTTP (\d{3}) *\n(.*)$/s.exec(text);
    return {
      title: `${at + 1} ${path.split("?")[0].split("/").at(-1)}`,
      request: { method, path, headers: [], body: cut(body) },
      response: { status: Number(status), headers: [], body: cut(answer), isBare: true },
    };
  });
}

// Ids and tokens as the rest of the recording has them.
const cut = (text) => text.replace(/"([A-Za-z0-9]{6})[A-Za-z0-9]{26}"/g, '"$1…"');

// Headers, a blank line, the body; what is said of a body in brackets instead is not one.
function parseMessage(lines) {
  const blank = lines.indexOf("");
  const headers = lines.slice(0, blank < 0 ? lines.length : blank).map((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  const body = blank < 0 ? "" : lines.slice(blank).join("\n").trim();
  return { headers, body: body === "(empty body)" ? "" : body };
}
