// Reads the recorded exchanges: a Markdown file of parts (#), sections (##) and exchanges (###, one http block each).

/** `[{ part: "A", section, title, name, request: { method, path, headers, body }, response: { status, headers, body } }]` */
export function parseTranscript(text) {
  const exchanges = [];
  let part, section, title, block;
  for (const line of text.split("\n")) {
    if (block) {
      if (line !== "```") block.push(line);
      else {
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
