// Kysely: its Migrator, introspection, query builder, streams and transactions, on pg's pool.

import { Kysely, Migrator, PostgresDialect, sql } from "kysely";
import pg from "pg";
import Cursor from "pg-cursor";
import { FIVE_MB, digest, failure, longText, play, told, url, versionOf } from "./cases.js";

const open = (max, more = {}) =>
  new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max, ...more }), cursor: Cursor }) });
const db = open(3);

const MIGRATIONS = {
  "1_kinds": {
    async up(db) {
      await db.schema.createTable("kinds").addColumn("id", "serial", (c) => c.primaryKey())
        .addColumn("name", "text", (c) => c.notNull().unique()).execute();
      await db.schema.createType("public.mood").asEnum(["calm", "public"]).execute();
      await db.schema.withSchema("public").createTable("things").ifNotExists()
        .addColumn("id", "uuid", (c) => c.primaryKey().defaultTo(sql`gen_random_uuid()`))
        .addColumn("kind_id", "integer", (c) => c.references("public.kinds.id").onDelete("cascade"))
        .addColumn("mood", sql`public.mood`).addColumn("tags", sql`text[]`).addColumn("data", "jsonb")
        .addColumn("at", "timestamptz").addColumn("price", "numeric").addColumn("bytes", "bytea")
        .addColumn("big", "bigint").addColumn("long", "text").execute();
      await db.schema.createIndex("things_kind").on("public.things").column("kind_id").execute();
    },
    async down(db) {
      await db.schema.dropTable("public.things").execute();
      await db.schema.dropType("mood").execute();
      await db.schema.dropTable("kinds").execute();
    },
  },
  "2_title": {
    up: (db) => db.schema.withSchema("public").alterTable("things").addColumn("title", "varchar(80)", (c) => c.defaultTo("public")).execute(),
    down: (db) => db.schema.alterTable("things").dropColumn("title").execute(),
  },
};
const FAILING = { "3_fails": { up: async (db) => {
  await db.schema.createTable("half").addColumn("id", "serial").execute();
  await sql`SELECT 1 / 0`.execute(db);
} } };

const migrator = (migrations, more = {}) => new Migrator({ db, provider: { getMigrations: async () => migrations }, ...more });
const outcome = ({ error, results }) =>
  [results?.map(({ migrationName, direction, status }) => `${migrationName} ${direction} ${status}`), error?.code];

const migrate = {
  async migrate(say) {
    const usual = migrator(MIGRATIONS);
    say(...outcome(await usual.migrateToLatest()), ...outcome(await usual.migrateToLatest()));
    say(...outcome(await usual.migrateDown()), ...outcome(await usual.migrateUp()));
    say(...outcome(await migrator({ ...MIGRATIONS, ...FAILING }).migrateToLatest()));
    say((await usual.getMigrations()).map(({ name, executedAt }) => [name, executedAt instanceof Date]));
    say(...outcome(await migrator({ "1_kinds": { up: async () => {} } }, { migrationTableSchema: "public", migrationTableName: "others" }).migrateToLatest()));
  },
  async schemas(say) {
    say((await db.introspection.getSchemas()).map(({ name }) => name).sort());
  },
  async introspection(say) {
    const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
    for (const { name, schema, isView, columns } of tables.sort((a, b) => a.name.localeCompare(b.name))) say(schema, name, isView, columns);
    say(await db.withSchema("information_schema").selectFrom("tables").select(["table_schema", "table_name"])
      .where("table_schema", "=", "public").orderBy("table_name").execute());
  },
};

const THING = {
  kind_id: 1, mood: "public", tags: ["public", 'a "b"', null], data: JSON.stringify({ schema: "public", n: [1, null] }),
  at: "2024-02-29T23:59:59.123456+05:30", price: "123456789012345678901.000000001", bytes: Buffer.from([0, 1, 254, 255]),
  big: "9007199254740993", id: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
};

const rows = {
  async crud(say) {
    await db.transaction().setIsolationLevel("serializable").execute(async (trx) => {
      say(await trx.insertInto("kinds").values([{ name: "tool" }, { name: "toy" }]).returningAll().execute());
      say(await trx.insertInto("public.things").values(THING).returning("title").execute());
      say((await trx.updateTable("things").set({ title: "a public thing" }).where("kind_id", "=", 1).executeTakeFirst()).numUpdatedRows);
    });
    say(await db.selectFrom("public.things as t").innerJoin("public.kinds as k", "k.id", "t.kind_id").selectAll("t").select("k.name").execute());
    say(await db.insertInto("kinds").values({ id: 1, name: "tools" }).onConflict((c) => c.column("id").doUpdateSet({ name: "tool" })).returningAll().execute());
    say((await db.deleteFrom("kinds").where("name", "=", "toy").executeTakeFirst()).numDeletedRows);
  },
  async rollback(say) {
    say(await failure(db.transaction().execute(async (trx) => {
      await trx.insertInto("kinds").values({ name: "undone" }).execute();
      throw new Error("changed my mind");
    })));
    const own = await db.startTransaction().execute();
    await own.insertInto("kinds").values({ name: "undone" }).execute();
    say(await failure(sql`SELECT 1 / 0`.execute(own)), await failure(sql`SELECT 1`.execute(own)));
    await own.rollback().execute();
    say(await db.selectFrom("kinds").select(db.fn.countAll().as("after")).execute());
  },
  async savepoint(say) {
    const own = await db.startTransaction().execute();
    await own.insertInto("kinds").values({ name: "kept" }).execute();
    const after = await own.savepoint("here").execute();
    say(await failure(after.insertInto("kinds").values({ name: "kept" }).execute()));
    await after.rollbackToSavepoint("here").execute();
    await own.insertInto("kinds").values({ name: "kept too" }).execute();
    await own.commit().execute();
    say((await db.selectFrom("kinds").select("name").orderBy("name").execute()).map(({ name }) => name));
  },
  async unique_violation(say) {
    await db.insertInto("kinds").values({ name: "tool" }).execute().catch((error) => {
      const { code, schema, table, constraint, detail } = told(error);
      say(code, schema, table, constraint, detail);
    });
    say((await sql`SELECT 'usable' AS still`.execute(db)).rows, await failure(db.selectFrom("public.missing").selectAll().execute()));
  },
  null: async (say) => say(await db.insertInto("things").values({ kind_id: null, tags: [] }).returning(["kind_id", "mood", "tags", "data"]).execute()),
};

const volume = {
  async rows_100000(say) {
    const { rows } = await sql`SELECT n, 'public row ' || n AS title FROM generate_series(1, ${100_000}::int) AS n`.execute(db);
    say(rows.length, digest(rows.map((row) => `${row.n}${row.title}`).join()));
  },
  async parameter_5mb(say) {
    const long = longText(FIVE_MB);
    const row = await db.insertInto("things").values({ long, bytes: Buffer.alloc(FIVE_MB, 7) }).returning(["id", "long", "bytes"]).executeTakeFirst();
    say(row.long === long, row.bytes.length, (await db.deleteFrom("things").where("id", "=", row.id).executeTakeFirst()).numDeletedRows);
  },
  async cursor(say) {
    let sum = 0;
    for await (const { n } of db.selectFrom(sql`generate_series(1, 25000)`.as("n")).select(sql`n`.as("n")).stream(100)) sum += n;
    say(sum);
  },
};

const control = {
  async statement_timeout(say) {
    const own = open(1, { statement_timeout: 150 });
    say(await failure(sql`SELECT pg_sleep(20)`.execute(own)), (await sql`SELECT 'usable' AS still`.execute(own)).rows);
    await own.destroy();
  },
  async pool(say) {
    await db.schema.createTable("counted").addColumn("n", "integer").execute();
    await db.insertInto("counted").values({ n: 0 }).execute();
    const ten = open(10);
    const work = (n) => ten.transaction().execute(async (trx) => {
      await sql`SELECT set_config('app.n', ${String(n)}, true)`.execute(trx);
      await trx.updateTable("counted").set((of) => ({ n: of("n", "+", 1) })).execute();
      if (n % 4 === 3) throw new Error("no");
      return (await sql`SELECT current_setting('app.n') AS me`.execute(trx)).rows[0].me === String(n);
    }).catch((error) => error.message === "no");
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => work(n)));
    say(all.every(Boolean), await db.selectFrom("counted").selectAll().execute());
    await ten.destroy();
  },
  // The lock that its migrations take is held by one connection.
  async advisory_lock(say) {
    await db.connection().execute(async (one) => {
      say((await sql`SELECT pg_try_advisory_lock(4713) AS taken`.execute(one)).rows, (await sql`SELECT pg_try_advisory_lock(4713) AS taken`.execute(db)).rows);
      say((await sql`SELECT pg_advisory_unlock(4713) AS free`.execute(one)).rows);
    });
  },
};

await play("Kysely", versionOf("kysely"), { ...migrate, ...rows, ...volume, ...control });
