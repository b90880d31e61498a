// What every program here shares: playing its cases in order, each line of output `case: what was seen`.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const LONGEST_CASE_MS = 90_000;

// Standard output is for the cases alone: what libraries say goes to standard error.
const print = console.log;
console.log = console.info = console.error;

export const url = process.env.DATABASE_URL;

// One line for any value: key order as given, bytes as hex, times as ISO 8601.
export const text = (value) => {
  const plain = (_, v) => {
    if (typeof v === "bigint") return `${v}n`;
    if (typeof v === "number" && !Number.isFinite(v)) return String(v);
    if (v?.type === "Buffer" && Array.isArray(v.data)) return `\\x${Buffer.from(v.data).toString("hex")}`;
    return v;
  };
  return typeof value === "string" ? value : JSON.stringify(value, plain);
};

export const digest = (value) => createHash("sha256").update(value).digest("hex").slice(0, 16);

// Clients wrap the driver's error in their own; the innermost one has the SQLSTATE.
export const told = (error) => {
  for (let at = error; at; at = at.original ?? at.driverError ?? at.cause) {
    if (at.severity || at.severity_local) return at;
  }
  return error;
};

export const line = (error) => {
  const { code = "-", message } = told(error);
  return `fails ${code} ${String(message).split("\n")[0]}`;
};

// What a statement fails with; a statement that does not fail is a finding too.
export const failure = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return line(error);
  }
  return "no error";
};

// A package's version as its own package.json has it, looked for as the module `from` would.
export const versionOf = (name, module = import.meta.url) => {
  const from = createRequire(module);
  for (const folder of from.resolve.paths(name)) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`)).version;
    } catch {
      // not in this folder
    }
  }
  throw new Error(`${name} is not installed: tests/setup`);
};

const within = (promise, ms) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

// Plays `cases` ({ name: async (say) => … }) and ends the process: also where a client left a socket open.
export const play = async (client, version, cases) => {
  print(`client: ${client} ${version}`);
  for (const [name, run] of Object.entries(cases)) {
    const say = (...seen) => print(`${name}: ${seen.map(text).join(" ")}`);
    try {
      await within(run(say), LONGEST_CASE_MS);
    } catch (error) {
      console.error(error);
      say(line(error).replace(/^fails/, "ERROR"));
    }
  }
  process.exit(0);
};

export const FIVE_MB = 5 * 1024 * 1024;
// Text that shows where a piece of it went missing.
export const longText = (length) => {
  const row = (n) => `${n}:`.padEnd(64, "public ");
  return Array.from({ length: Math.ceil(length / 64) }, (_, n) => row(n)).join("").slice(0, length);
};
