// node-pg-migrate: every kind of object that its migrations make, there and back.

import { runner } from "node-pg-migrate";
import { mkdirSync, writeFileSync } from "node:fs";
import pg from "pg";
import { failure, play, url, versionOf } from "./cases.js";

const pool = new pg.Pool({ connectionString: url, max: 2 });
const IN = (name) => `{ schema: "public", name: "${name}" }`;
const MIGRATIONS = {
  "1700000000001_tables.js": `exports.up = (pgm) => {
    pgm.createExtension("citext", { ifNotExists: true });
    pgm.createType(${IN("mood")}, ["calm", "public"]);
    pgm.createDomain(${IN("word")}, "text", { check: "VALUE <> 'no'" });
    pgm.createSequence(${IN("numbers")}, { start: 100 });
    pgm.createTable(${IN("kinds")}, { id: "id", name: { type: "citext", notNull: true, unique: true, comment: "in public" } });
    pgm.createTable("things", { id: { type: "int", primaryKey: true, default: pgm.func("nextval('public.numbers'::regclass)") },
      kind: { type: "int", references: ${IN("kinds")}, onDelete: "CASCADE" }, mood: { type: "public.mood", default: "public" }, word: "public.word" });
    pgm.createIndex(${IN("things")}, ["kind", "mood"], { name: "things_both" });
    pgm.addConstraint("things", "things_check", { check: "id > 0" });
  };
  exports.down = (pgm) => {
    pgm.dropTable("things"); pgm.dropTable(${IN("kinds")}); pgm.dropSequence(${IN("numbers")});
    pgm.dropDomain(${IN("word")}); pgm.dropType(${IN("mood")});
  };`,
  "1700000000002_code.js": `exports.up = (pgm) => {
    pgm.createFunction(${IN("counted")}, [{ name: "more", type: "int" }], { returns: "int", language: "sql", replace: true }, "SELECT more + (SELECT count(*)::int FROM public.kinds)");
    pgm.createTrigger(${IN("kinds")}, "shout", { when: "BEFORE", operation: ["INSERT", "UPDATE"], level: "ROW", language: "plpgsql" },
      "BEGIN NEW.name := upper(NEW.name) || ' ' || public.counted(1); RETURN NEW; END");
    pgm.createView(${IN("calm")}, {}, "SELECT id, kind FROM public.things WHERE mood = 'calm'");
    pgm.createMaterializedView(${IN("kept")}, {}, "SELECT k.name, count(*) FROM public.things t JOIN public.kinds k ON k.id = t.kind GROUP BY 1");
    pgm.alterTable(${IN("things")}, { levelSecurity: "ENABLE" });
    pgm.createPolicy(${IN("things")}, "all_of_them", { using: "true" });
    pgm.addTypeValue(${IN("mood")}, "wild", { ifNotExists: true });
    pgm.renameColumn(${IN("things")}, "word", "words");
    pgm.sql("INSERT INTO {t} (name) VALUES ('tool')", { t: ${IN("kinds")} });
  };
  exports.down = (pgm) => {
    pgm.renameColumn(${IN("things")}, "words", "word");
    pgm.dropPolicy(${IN("things")}, "all_of_them");
    pgm.dropMaterializedView(${IN("kept")}); pgm.dropView("calm");
    pgm.dropTrigger(${IN("kinds")}, "shout"); pgm.dropFunction(${IN("shout")}, []); pgm.dropFunction("counted", ["int"]);
  };`,
  "1700000000003_fails.js": `exports.up = (pgm) => { pgm.createTable("half", { id: "id" }); pgm.sql("SELECT 1 / 0"); };`,
};

mkdirSync("migrations");
writeFileSync("package.json", '{ "type": "commonjs" }');
const add = (name) => writeFileSync(`migrations/${name}`, MIGRATIONS[name]);
const log = { info() {}, warn() {}, error() {}, debug() {} };
const SCHEMAS = { schema: "public", createSchema: true, migrationsSchema: "public", createMigrationsSchema: true };
const migrate = async (direction, more = {}) =>
  (await runner({ databaseUrl: url, dir: "migrations", migrationsTable: "done", logger: log, direction, ...more })).map(({ name }) => name);

const cases = {
  async migrate(say) {
    add("1700000000001_tables.js");
    say(await migrate("up", SCHEMAS), await migrate("up"));
    add("1700000000002_code.js");
    say(await migrate("up"), (await pool.query("SELECT name FROM public.done ORDER BY id")).rows);
    say(await migrate("down", { count: 1 }), await migrate("up"));
    add("1700000000003_fails.js");
    say(await failure(migrate("up", SCHEMAS)), (await pool.query("SELECT to_regclass('public.half') AS half")).rows);
  },
  async crud(say) {
    say((await pool.query("INSERT INTO public.kinds (name) VALUES ('toy') RETURNING *")).rows);
    say((await pool.query("INSERT INTO things (kind) SELECT id FROM kinds RETURNING id, mood, words")).rows);
    await pool.query("REFRESH MATERIALIZED VIEW public.kept");
    say((await pool.query("TABLE public.kept ORDER BY 1")).rows, (await pool.query("SELECT public.counted(10)")).rows);
  },
  async introspection(say) {
    say((await pool.query("SELECT n.nspname, c.relname, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' ORDER BY 2")).rows.map(Object.values));
    say((await pool.query("SELECT pg_get_functiondef('public.counted'::regproc) AS code, pg_get_triggerdef(oid) AS by FROM pg_trigger WHERE tgname = 'shout'")).rows);
    say((await pool.query("SELECT schemaname, matviewname, definition FROM pg_matviews")).rows, (await pool.query("SELECT schemaname, tablename, policyname FROM pg_policies")).rows);
  },
  async back(say) {
    say(await migrate("down", { count: 1, file: "1700000000002_code" }).catch((error) => error.message), await migrate("down", { count: Infinity }));
    say((await pool.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")).rows);
  },
};

await play("node-pg-migrate", versionOf("node-pg-migrate"), cases);
