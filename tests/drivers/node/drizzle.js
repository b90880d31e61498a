// Drizzle: drizzle-kit's push, pull, generate and migrate, its migrator, and drizzle-orm's queries.

import { drizzle } from "drizzle-orm/node-postgres";
import { drizzle as onPostgresJs } from "drizzle-orm/postgres-js";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import { asc, count, eq, sql } from "drizzle-orm";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { promisify, stripVTControlCharacters } from "node:util";
import pg from "pg";
import postgres from "postgres";
import { FIVE_MB, digest, failure, longText, play, told, url, versionOf } from "./cases.js";
import * as schema from "./drizzle/second.js";

const { kinds, notes, things, calm } = schema;
const pool = new pg.Pool({ connectionString: url, max: 3 });
const db = drizzle(pool, { schema });

const KIT = new URL("node_modules/drizzle-kit/bin.cjs", import.meta.url).pathname;
const CONFIG = new URL("drizzle/config.js", import.meta.url).pathname;

const TELLING = /^(CREATE|ALTER|DROP|TRUNCATE|DO|")|detected|applied|\berror\b|refused|denied|does not|✓\]/i;
const PROGRESS = /Pulling|fetch|Using/;

// drizzle-kit's own words, without its spinners.
const kit = async (file, ...words) => {
  const env = { ...process.env, DRIZZLE_SCHEMA: file };
  const run = promisify(execFile)(process.execPath, [KIT, ...words, "--config", CONFIG], { env });
  const { stdout, stderr } = await run.catch((error) => error);
  const lines = stripVTControlCharacters(stdout + stderr).split("\n").map((line) => line.trim().replace(/^\[.\] .*\.\.\./, ""));
  return lines.filter((line) => TELLING.test(line) && !PROGRESS.test(line));
};
const clear = () => pool.query("DROP TABLE IF EXISTS public.notes, public.things, public.kinds CASCADE; DROP TYPE IF EXISTS public.mood; DROP TABLE IF EXISTS public.journal");

const tools = {
  async create(say) {
    for (const file of ["first.js", "first.js", "second.js", "second.js"]) say("push", file, await kit(file, "push", "--force"));
    say((await pool.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")).rows);
  },
  async introspection(say) {
    await kit("second.js", "introspect");
    const pulled = readFileSync("migrations/schema.ts", "utf8").trim().split("\n");
    pulled.filter((line) => line.trim()).forEach((line) => say(line));
  },
  async migrate(say) {
    await clear();
    const folder = "migrations";
    rmSync(folder, { recursive: true });
    say(await kit("first.js", "generate", "--name", "first"));
    say(await kit("first.js", "migrate"));
    say(await kit("second.js", "generate", "--name", "second"));
    await migrate(db, { migrationsFolder: folder, migrationsSchema: "public", migrationsTable: "journal" });
    await migrate(db, { migrationsFolder: folder, migrationsSchema: "public", migrationsTable: "journal" });
    say(await kit("second.js", "migrate"));
    say((await pool.query("SELECT id, hash FROM public.journal ORDER BY id")).rows);
  },
  // Without further words the migrator keeps its journal in a schema of its own.
  async own_schema(say) {
    mkdirSync("none/meta", { recursive: true });
    writeFileSync("none/meta/_journal.json", '{ "version": "7", "dialect": "postgresql", "entries": [] }');
    say(await failure(migrate(db, { migrationsFolder: "none" })));
  },
};

const THING = {
  id: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", kindId: 1, mood: "public", tags: ["public", 'a "b"'], data: { schema: "public", n: [1, null] },
  at: "2024-02-29 23:59:59.123456+05:30", price: "123456789012345678901.000000001", bytes: Buffer.from([0, 1, 254, 255]), big: 9007199254740993n,
};

const rows = {
  async crud(say) {
    await db.transaction(async (tx) => {
      say(await tx.insert(kinds).values([{ name: "tool" }, { name: "toy" }]).returning());
      say(await tx.insert(things).values(THING).returning({ id: things.id, at: things.at }));
      say(await tx.insert(notes).values({ thing: THING.id }).returning());
      say((await tx.update(things).set({ long: "a public thing" }).where(eq(things.kindId, 1))).rowCount);
    });
    say(await db.select().from(things).innerJoin(kinds, eq(kinds.id, things.kindId)));
    say(await db.query.things.findMany({ columns: { id: true, mood: true } }), await db.select().from(calm));
    say(await db.insert(kinds).values({ id: 1, name: "tools" }).onConflictDoUpdate({ target: kinds.id, set: { name: "tool" } }).returning());
    say(await db.delete(kinds).where(eq(kinds.name, "toy")).returning());
  },
  async rollback(say) {
    say(await failure(db.transaction(async (tx) => {
      await tx.insert(kinds).values({ name: "undone" });
      tx.rollback();
    })));
    say(await failure(db.transaction((tx) => tx.execute(sql`SELECT 1 / 0`))), await db.select({ after: count() }).from(kinds));
  },
  async savepoint(say) {
    await db.transaction(async (tx) => {
      await tx.insert(kinds).values({ name: "kept" });
      say(await failure(tx.transaction((inner) => inner.insert(kinds).values({ name: "kept" }))));
      await tx.transaction((inner) => inner.insert(kinds).values({ name: "kept too" }));
    }, { isolationLevel: "repeatable read" });
    say((await db.select().from(kinds).orderBy(asc(kinds.name))).map(({ name }) => name));
  },
  async unique_violation(say) {
    await db.insert(kinds).values({ name: "tool" }).catch((error) => {
      const { code, schema, table, constraint, detail } = told(error);
      say(code, schema, table, constraint, detail);
    });
    say((await db.execute(sql`SELECT 'usable' AS still`)).rows, await failure(db.execute(sql`SELECT * FROM public.missing`)));
  },
  async prepared(say) {
    const find = db.select({ n: count() }).from(kinds).where(eq(kinds.name, sql.placeholder("name"))).prepare("find");
    for (const name of ["tool", "missing", "kept"]) say(await find.execute({ name }));
  },
  null: async (say) => say(await db.insert(things).values({ tags: [] }).returning({ kind: things.kindId, mood: things.mood, tags: things.tags, data: things.data })),
  async other_driver(say) {
    const client = postgres(url, { max: 2, onnotice: () => {} });
    const other = onPostgresJs(client, { schema });
    say(await other.query.things.findFirst({ where: eq(things.id, THING.id) }));
    say(await other.transaction((tx) => tx.select({ n: count() }).from(kinds)), await failure(other.insert(kinds).values({ name: "tool" })));
    await client.end();
  },
};

const volume = {
  async rows_100000(say) {
    const { rows } = await db.execute(sql`SELECT n, 'public row ' || n AS title FROM generate_series(1, ${100_000}::int) AS n`);
    say(rows.length, digest(rows.map((row) => `${row.n}${row.title}`).join()));
  },
  async parameter_5mb(say) {
    const long = longText(FIVE_MB);
    const [row] = await db.insert(things).values({ long, bytes: Buffer.alloc(FIVE_MB, 7) }).returning();
    say(row.long === long, row.bytes.length, (await db.delete(things).where(eq(things.id, row.id))).rowCount);
  },
  async pool(say) {
    const ten = new pg.Pool({ connectionString: url, max: 10 });
    const [{ id }] = await db.insert(notes).values({ text: "0" }).returning();
    const work = (n) => drizzle(ten).transaction(async (tx) => {
      await tx.execute(sql`SELECT set_config('app.n', ${String(n)}, true)`);
      await tx.update(notes).set({ text: sql`(${notes.text}::int + 1)::text` }).where(eq(notes.id, id));
      if (n % 4 === 3) throw new Error("no");
      return (await tx.execute(sql`SELECT current_setting('app.n') AS me`)).rows[0].me === String(n);
    }).catch((error) => error.message === "no");
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => work(n)));
    say(all.every(Boolean), (await db.select().from(notes).where(eq(notes.id, id)))[0].text);
    await ten.end();
  },
};

await play("Drizzle and its kit", `${versionOf("drizzle-orm")}/${versionOf("drizzle-kit")}`, { ...tools, ...rows, ...volume });
