// A server that answers as it is told, and remembers what it was asked.
import http from "node:http";

export const key = "0123456789abcdef0123456789abcdef";

/** `answer` gets the request and its body, and is free to do anything with the response. */
export async function startServer(answer) {
  const asked = [];
  const sockets = new Set();
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ method: request.method, path: request.url, headers: request.headers, body: body ? JSON.parse(body) : undefined });
    await answer(request, response, asked.at(-1));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    asked,
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

export const json = (response, status, body) =>
  response.writeHead(status, { "content-type": "application/json" }).end(typeof body === "string" ? body : JSON.stringify(body));

export const data = (value) => (_, response) => json(response, 200, { data: value });
