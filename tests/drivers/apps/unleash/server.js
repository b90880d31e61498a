// Unleash as its operator runs it, in a process of its own, and requests to it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

const PROGRAM = new URL("node_modules/unleash-server/dist/server.js", import.meta.url).pathname;
const PATIENCE_MS = 80_000;

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
};

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// The running server. Its own words go to our standard error.
export class Unleash {
  // With a session's cookie, or as nobody.
  static async start(cookie) {
    const server = new Unleash();
    server.cookie = cookie;
    server.port = await freePort();
    const env = {
      ...process.env, DATABASE_SSL: "false", DATABASE_POOL_MAX: "8", HTTP_HOST: "127.0.0.1", PORT: String(server.port),
      CHECK_VERSION: "false", SEND_TELEMETRY: "false", LOG_LEVEL: "warn", NODE_ENV: "production", TZ: "UTC",
      UNLEASH_URL: "http://unleash.test", UNLEASH_SECRET: "a secret of the tests",
    };
    server.process = spawn(process.execPath, [PROGRAM], { env, stdio: ["ignore", process.stderr, process.stderr] });
    server.ended = once(server.process, "exit");
    await server.until(async () => (await server.get("/health").catch(() => ({}))).status === 200);
    return server;
  }

  async stop() {
    this.process.kill("SIGTERM");
    const [code, signal] = await this.ended;
    return code ?? signal;
  }

  // Waits for a condition; false when it did not come about in time.
  async until(condition, patience = PATIENCE_MS) {
    const end = Date.now() + patience;
    while (Date.now() < end && this.process.exitCode === null) {
      if (await condition()) return true;
      await pause(200);
    }
    return false;
  }

  async request(method, path, body, headers = {}) {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { ...(this.cookie && { cookie: this.cookie }), ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    const cookie = answer.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
    let value = text;
    try {
      value = JSON.parse(text);
    } catch {
      // not every answer is JSON
    }
    return { status: answer.status, body: value, cookie, headers: answer.headers };
  }

  get(path, headers) {
    return this.request("GET", path, undefined, headers);
  }
  post(path, body = {}, headers) {
    return this.request("POST", path, body, headers);
  }
  put(path, body = {}) {
    return this.request("PUT", path, body);
  }
  delete(path, body) {
    return this.request("DELETE", path, body);
  }

  async logIn(username, password) {
    const answer = await this.post("/auth/simple/login", { username, password });
    if (answer.status === 200) this.cookie = answer.cookie;
    return answer;
  }
}
