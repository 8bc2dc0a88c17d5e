// Starts the program in an empty directory, and creates its data over the API.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

export class Server {
  static async start({ host = "127.0.0.1", toml = "" } = {}) {
    const server = new Server();
    server.folder = fs.mkdtempSync(path.join(os.tmpdir(), "otpd-console-"));
    server.port = await freePort();
    server.base = `http://${host}:${server.port}`;
    const settings = `[server]\nport = ${server.port}\n[otp]\ntimezone = "Asia/Tehran"\nresend_cooldown = "0s"\n` +
      `[limits]\nsends_per_recipient_hour = 0\nsends_per_recipient_day = 0\n[delivery]\nallow_inbox = true\n${toml}`;
    fs.writeFileSync(path.join(server.folder, "otp.toml"), settings);
    await server.run();
    server.token = fs.readFileSync(path.join(server.folder, "admin.token"), "utf8").trim();
    return server;
  }

  async run() {
    const log = fs.openSync(path.join(this.folder, "log"), "a");
    this.process = spawn(process.env.OTPD, [], { cwd: this.folder, stdio: ["ignore", log, log] });
    for (let n = 0; n < 200; n++) {
      const ready = await fetch(`http://127.0.0.1:${this.port}/readyz`).catch(() => null);
      if (ready?.ok) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`the program did not start: ${this.log()}`);
  }

  log() {
    return fs.readFileSync(path.join(this.folder, "log"), "utf8");
  }

  command(...words) {
    return execFileSync(process.env.OTPD, words, { cwd: this.folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  }

  audit() {
    return this.command("audit").trim().split("\n").map((line) => JSON.parse(line));
  }

  async api(method, path, body, token = this.token) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/api/notifications/otp/${path}`, {
      method,
      headers: { Authorization: `Token ${token}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, json: text ? JSON.parse(text) : null };
  }

  async create(fields) {
    const { status, json } = await this.api("POST", "", { code: 255315, ...fields });
    if (status !== 201) throw new Error(JSON.stringify(json));
    return json;
  }

  async stop() {
    this.process.kill("SIGTERM");
    await once(this.process, "exit");
    fs.rmSync(this.folder, { recursive: true });
  }
}
