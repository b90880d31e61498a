// Knex: migrations, its schema builder and introspection, transactions, streams and its pool.

import knexOf from "knex";
import { mkdirSync, writeFileSync } from "node:fs";
import { FIVE_MB, digest, failure, longText, play, told, url, versionOf } from "./cases.js";

const settings = { client: "pg", connection: url, pool: { min: 0, max: 3 } };
const knex = knexOf({ ...settings, searchPath: ["public"] });

const MIGRATIONS = {
  "1_kinds.js": `
    exports.up = (knex) => knex.schema
      .createTable("kinds", (t) => { t.increments(); t.string("name").notNullable().unique(); })
      .withSchema("public").createTable("things", (t) => {
        t.uuid("id").primary().defaultTo(knex.raw("gen_random_uuid()"));
        t.integer("kind_id").references("id").inTable("public.kinds").onDelete("CASCADE");
        t.enu("mood", ["calm", "public"], { useNative: true, enumName: "mood", schemaName: "public" });
        t.specificType("tags", "text[]"); t.jsonb("data"); t.timestamps(true, true);
        t.decimal("price", 30, 9); t.binary("bytes"); t.bigInteger("big"); t.text("long");
        t.index(["kind_id", "mood"]);
      });
    exports.down = (knex) => knex.schema.withSchema("public").dropTable("things")
      .raw("DROP TYPE public.mood").dropTable("kinds");`,
  "2_view.js": `
    exports.up = async (knex) => {
      await knex.schema.withSchema("public").alterTable("things", (t) => { t.string("title", 80).defaultTo("public"); });
      await knex.schema.createView("calm", (v) => { v.columns(["id"]); v.as(knex("things").where("mood", "calm").select("id")); });
    };
    exports.down = async (knex) => {
      await knex.schema.dropView("calm");
      await knex.schema.withSchema("public").alterTable("things", (t) => { t.dropColumn("title"); });
    };`,
  "3_fails.js": `
    exports.up = async (knex) => { await knex.schema.createTable("half", (t) => t.increments()); await knex.raw("SELECT 1 / 0"); };
    exports.down = async () => {};`,
};

const migrate = {
  async migrate(say) {
    mkdirSync("migrations", { recursive: true });
    const add = (name) => writeFileSync(`migrations/${name}`, MIGRATIONS[name]);
    writeFileSync("package.json", '{ "type": "commonjs" }');
    ["1_kinds.js", "2_view.js"].forEach(add);
    const config = { directory: "./migrations", schemaName: "public" };
    say(await knex.migrate.latest(config), await knex.migrate.latest(config));
    say(await knex.migrate.currentVersion(config), (await knex.migrate.list(config))[0].map(({ name }) => name));
    say("back", await knex.migrate.rollback(config, true));
    say(await knex.schema.hasTable("things"));
    await Promise.all([knex.migrate.up(config), knex.migrate.up(config)].map((run) => run.catch(() => {})));
    say("once more", (await knex.migrate.latest(config))[0] > 0, await knex.schema.hasTable("things"));
    add("3_fails.js");
    say(await failure(knex.migrate.latest(config)), await knex.schema.hasTable("half"));
    say(await knex("knex_migrations").orderBy("id").pluck("name"), await knex("public.knex_migrations_lock").pluck("is_locked"));
  },
  async introspection(say) {
    const info = await knex("things").withSchema("public").columnInfo();
    say(info);
    say(await knex("kinds").columnInfo());
    say(await knex.schema.withSchema("public").hasTable("kinds"), await knex.schema.hasTable("missing"),
      await knex.schema.hasColumn("kinds", "name"), await knex.schema.withSchema("public").hasColumn("kinds", "nothing"));
    say(await knex.raw("SELECT to_regclass('public.things')::text AS found, current_schema()").then(({ rows }) => rows));
    say(await knex("information_schema.tables").where({ table_schema: "public" }).orderBy("table_name").pluck("table_name"));
  },
};

const THING = {
  kind_id: 1, mood: "public", tags: ["public", 'a "b"', null], data: JSON.stringify({ schema: "public", n: [1, null] }),
  created_at: "2024-02-29T23:59:59.123456+05:30", updated_at: new Date(0), price: "123456789012345678901.000000001",
  bytes: Buffer.from([0, 1, 254, 255]), big: "9007199254740993", id: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
};

const rows = {
  async crud(say) {
    await knex.transaction(async (trx) => {
      say(await trx("kinds").insert([{ name: "tool" }, { name: "toy" }], ["id", "name"]));
      say(await trx("public.things").insert(THING).returning("title"));
      say(await trx("things").where({ kind_id: 1 }).update({ title: "a public thing" }));
    });
    const [thing] = await knex("public.things as t").join("public.kinds as k", "k.id", "t.kind_id").select("t.*", "k.name");
    say(thing);
    say(await knex("kinds").insert({ id: 1, name: "tools" }).onConflict("id").merge().returning("*"));
    say(await knex("kinds").where({ id: 1 }).update({ name: "tool" }), await knex("calm"));
  },
  async rollback(say) {
    say(await failure(knex.transaction(async (trx) => {
      await trx("kinds").insert({ name: "undone" });
      throw new Error("changed my mind");
    })));
    say(await failure(knex.transaction(async (trx) => {
      await trx("kinds").insert({ name: "undone" });
      await trx.raw("SELECT 1 / 0");
    })));
    say(await knex("kinds").count());
  },
  async savepoint(say) {
    await knex.transaction(async (trx) => {
      await trx("kinds").insert({ name: "kept" });
      say(await failure(trx.transaction((inner) => inner("kinds").insert({ name: "kept" }))));
      await trx.transaction((inner) => inner("kinds").insert({ name: "kept too" }));
    });
    say(await knex("kinds").orderBy("name").pluck("name"));
  },
  async unique_violation(say) {
    await knex("kinds").insert({ name: "tool" }).catch((error) => {
      const { code, schema, table, constraint, detail } = told(error);
      say(code, schema, table, constraint, detail);
    });
    say((await knex.raw("SELECT 'usable' AS still")).rows);
    say(await failure(knex("public.missing").select()), await failure(knex("things").insert({ kind_id: 99 })));
  },
  null: async (say) => say(await knex("things").insert({ kind_id: null, tags: [] }).returning(["kind_id", "mood", "tags", "data"])),
};

const volume = {
  async rows_100000(say) {
    const { rows } = await knex.raw("SELECT n, 'public row ' || n AS title FROM generate_series(1, ?::int) AS n", [100_000]);
    say(rows.length, digest(rows.map((row) => `${row.n}${row.title}`).join()));
  },
  async parameter_5mb(say) {
    const long = longText(FIVE_MB);
    const [row] = await knex("things").insert({ long, bytes: Buffer.alloc(FIVE_MB, 7) }, ["long", "bytes", "id"]);
    say(row.long === long, row.bytes.length, await knex("things").where({ id: row.id }).delete());
  },
  async cursor(say) {
    let sum = 0;
    const query = knex.select("n").from(knex.raw("generate_series(1, 25000) AS n"));
    for await (const { n } of query.stream({ batchSize: 100 })) sum += n;
    say(sum);
  },
  async batch(say) {
    await knex.batchInsert("kinds", Array.from({ length: 2500 }, (_, n) => ({ name: `batch ${n}` })), 500);
    say(await knex("kinds").where("name", "like", "batch %").count(), await knex("kinds").where("name", "like", "batch %").delete());
  },
};

const control = {
  async statement_timeout(say) {
    const own = knexOf({ ...settings, connection: { connectionString: url, statement_timeout: 150 }, pool: { min: 0, max: 1 } });
    say(await failure(own.raw("SELECT pg_sleep(20)")), (await own.raw("SELECT 'usable' AS still")).rows);
    await own.destroy();
  },
  // Knex sends pg_cancel_backend, with the process id that it got at log-in, on another connection. The first
  // goes back to the pool: where it still runs its query, the next one waits.
  async cancel(say) {
    const began = Date.now();
    say(await failure(knex.raw("SELECT pg_sleep(6)").timeout(300, { cancel: true })));
    say((await knex.raw("SELECT 'usable' AS still")).rows, "soon", Date.now() - began < 5000);
  },
  async pool(say) {
    const ten = knexOf({ ...settings, pool: { min: 0, max: 10 } });
    await ten.schema.createTable("counted", (t) => { t.integer("id").primary(); t.integer("n").defaultTo(0); });
    await ten("counted").insert({ id: 1 });
    const work = (n) => ten.transaction(async (trx) => {
      await trx("counted").where({ id: 1 }).increment("n");
      await trx.raw("SELECT set_config('app.n', ?, true)", [String(n)]);
      if (n % 4 === 3) throw new Error("no");
      return (await trx.raw("SELECT current_setting('app.n') AS me")).rows[0].me === String(n);
    }).catch((error) => error.message === "no");
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => work(n)));
    say(all.every(Boolean), await ten("counted"));
    await ten.destroy();
  },
};

await play("Knex", versionOf("knex"), { ...migrate, ...rows, ...volume, ...control });
