// TypeORM: synchronize, migrations, its query runner's introspection, repositories, transactions and pool.

import "reflect-metadata";
import typeorm from "typeorm";
import { FIVE_MB, digest, failure, longText, play, told, url, versionOf } from "./cases.js";

const { DataSource, EntitySchema, QueryFailedError, Table, TableColumn, TableForeignKey, TableIndex, IsNull, MoreThan } = typeorm;

const Kind = new EntitySchema({
  name: "Kind", tableName: "kinds",
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String, length: 80, unique: true } },
});
const Thing = new EntitySchema({
  name: "Thing", tableName: "things",
  columns: {
    id: { type: "uuid", primary: true, generated: "uuid" }, mood: { type: "enum", enum: ["calm", "public"], default: "calm" },
    tags: { type: "text", array: true, nullable: true }, data: { type: "jsonb", nullable: true, default: { schema: "public" } },
    at: { type: "timestamptz", precision: 6, nullable: true }, price: { type: "numeric", precision: 40, scale: 9, nullable: true },
    bytes: { type: "bytea", nullable: true }, big: { type: "bigint", nullable: true }, long: { type: "text", nullable: true },
    made: { type: "timestamptz", createDate: true, select: false },
  },
  relations: { kind: { type: "many-to-one", target: "Kind", joinColumn: { name: "kind_id" }, nullable: true, onDelete: "CASCADE" } },
  indices: [{ columns: ["mood", "big"] }], checks: [{ expression: '"big" > 0' }],
});
const Calm = new EntitySchema({
  name: "Calm", tableName: "calm", type: "view", expression: `SELECT "id", "mood" FROM "public"."things" WHERE "mood" = 'calm'`,
  columns: { id: { type: "uuid" }, mood: { type: String } },
});

class Notes1700000000001 {
  up = async (runner) => {
    await runner.createTable(new Table({ name: "notes", columns: [
      { name: "id", type: "int", isPrimary: true, isGenerated: true, generationStrategy: "identity", generatedIdentity: "ALWAYS" },
      { name: "kind_id", type: "int", isNullable: true }, { name: "mood", type: "enum", enum: ["calm", "public"], enumName: "note_mood" }] }), true);
    await runner.createForeignKey("notes", new TableForeignKey({ columnNames: ["kind_id"], referencedTableName: "kinds", referencedColumnNames: ["id"] }));
  };
  down = (runner) => runner.dropTable("notes", true);
}
class Text1700000000002 {
  up = async (runner) => {
    await runner.addColumn("public.notes", new TableColumn({ name: "text", type: "varchar", isNullable: true, default: "'public'" }));
    await runner.createIndex("public.notes", new TableIndex({ name: "notes_text", columnNames: ["text"] }));
    await runner.renameColumn("public.notes", "text", "words");
  };
  down = async (runner) => {
    await runner.dropIndex("notes", "notes_text");
    await runner.dropColumn("notes", "words");
  };
}
class Fails1700000000003 {
  up = async (runner) => {
    await runner.query("CREATE TABLE public.half (n int)");
    await runner.query("SELECT 1 / 0");
  };
  down = async () => {};
}

const open = (more = {}) => new DataSource({ type: "postgres", url, schema: "public", entities: [Kind, Thing], logging: false, poolSize: 3, ...more }).initialize();
const db = await open({ migrations: [Notes1700000000001, Text1700000000002] });
const kinds = db.getRepository(Kind);
const things = db.getRepository(Thing);

const planned = async (on = db) => (await on.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);

const tools = {
  async create(say) {
    (await planned()).forEach((query) => say(query));
    await db.synchronize();
    say("again", await planned());
    await db.synchronize();
    const own = await open({ schema: undefined });
    say("without a schema's name", await planned(own));
    await own.destroy();
  },
  async migrate(say) {
    say(await db.showMigrations(), (await db.runMigrations({ transaction: "all" })).map(({ name }) => name), await db.showMigrations());
    say("again", (await db.runMigrations()).map(({ name }) => name));
    await db.undoLastMigration();
    say("undone", await db.query("SELECT name FROM public.migrations ORDER BY id"));
    say((await db.runMigrations({ transaction: "each" })).map(({ name }) => name));
    const own = await open({ migrations: [Fails1700000000003] });
    say(await failure(own.runMigrations()), await own.query("SELECT to_regclass('public.half') AS half"));
    await own.destroy();
  },
  async introspection(say) {
    const runner = db.createQueryRunner();
    for (const name of ["public.notes", "things", "kinds"]) {
      const table = await runner.getTable(name);
      say(table.schema, table.name, table.columns.map(({ name, type, default: by, enumName, isGenerated, isNullable }) => ({ name, type, by, enumName, isGenerated, isNullable })));
      say(table.indices.map(({ name, columnNames }) => [name, columnNames]), table.uniques.map(({ name }) => name), table.checks.map(({ name, expression }) => [name, expression]),
        table.foreignKeys.map(({ name, referencedSchema, referencedTableName, onDelete }) => [name, referencedSchema, referencedTableName, onDelete]));
    }
    say(await runner.hasTable("public.notes"), await runner.hasTable("missing"), await runner.hasColumn("kinds", "name"));
    say(await runner.getCurrentSchema(), await runner.hasSchema("public"), await runner.hasSchema("todo"));
    await runner.release();
  },
  async schemas(say) {
    const runner = db.createQueryRunner();
    say(await db.query(`SELECT schema_name FROM information_schema.schemata ORDER BY 1`));
    say(await failure(runner.createSchema("public", true)));
    await runner.release();
  },
  async database(say) {
    const runner = db.createQueryRunner();
    say("as in the URL", (await runner.getCurrentDatabase()) === new URL(url).pathname.slice(1));
    await runner.release();
  },
};

const rows = {
  // TypeORM notes a view in a table of its own, and joins the schema's name there with the catalog's.
  async view(say) {
    const own = await open({ entities: [Kind, Thing, Calm] });
    say(await planned(own));
    await own.synchronize();
    say(await own.getRepository(Calm).count(), "again", await planned(own));
    await own.destroy();
  },
  async crud(say) {
    await db.transaction("SERIALIZABLE", async (tx) => {
      const [tool, toy] = await tx.save(Kind, [{ name: "tool" }, { name: "toy" }]);
      say(tool, toy);
      const thing = await tx.save(Thing, {
        id: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", kind: tool, mood: "public", tags: ["public", 'a "b"', null], data: { schema: "public", n: [1, null] },
        at: new Date("2024-02-29T23:59:59.123+05:30"), price: "123456789012345678901.000000001", bytes: Buffer.from([0, 1, 254, 255]), big: "9007199254740993",
      });
      say((await tx.update(Thing, thing.id, { long: "a public thing" })).affected);
    });
    say(await things.find({ relations: { kind: true } }));
    say(await things.createQueryBuilder("t").leftJoinAndSelect("t.kind", "k").where("k.name = :name", { name: "tool" }).andWhere("t.tags && :tags", { tags: ["public"] }).getCount());
    await kinds.upsert({ name: "tool" }, ["name"]);
    say(await kinds.find({ where: { id: MoreThan(0) }, order: { name: "ASC" } }), (await kinds.delete({ name: "toy" })).affected);
  },
  async rollback(say) {
    say(await failure(db.transaction(async (tx) => {
      await tx.save(Kind, { name: "undone" });
      throw new Error("changed my mind");
    })));
    say(await failure(db.transaction((tx) => tx.query("SELECT 1 / 0"))), await kinds.count());
  },
  async savepoint(say) {
    await db.transaction(async (tx) => {
      await tx.save(Kind, { name: "kept" });
      say(await failure(tx.transaction((inner) => inner.insert(Kind, { name: "kept" }))));
      await tx.transaction((inner) => inner.insert(Kind, { name: "kept too" }));
    });
    say((await kinds.find({ order: { name: "ASC" } })).map(({ name }) => name));
  },
  async unique_violation(say) {
    await kinds.insert({ name: "tool" }).catch((error) => {
      const { code, schema, table, constraint, detail } = told(error);
      say(error instanceof QueryFailedError, code, schema, table, constraint, detail);
    });
    say(await db.query("SELECT 'usable' AS still"), await failure(db.query("SELECT * FROM public.missing")));
  },
  null: async (say) => say((await things.insert({ tags: [] })).generatedMaps.map(({ mood, data }) => ({ mood, data })), (await things.findBy({ kind: IsNull(), tags: [] })).map(({ kind, long, big }) => ({ kind, long, big }))),
};

const volume = {
  async rows_100000(say) {
    const all = await db.query("SELECT n, 'public row ' || n AS title FROM generate_series(1, $1::int) AS n", [100_000]);
    say(all.length, digest(all.map((row) => `${row.n}${row.title}`).join()));
  },
  async parameter_5mb(say) {
    const long = longText(FIVE_MB);
    const { id } = await things.save({ long, bytes: Buffer.alloc(FIVE_MB, 7) });
    const read = await things.findOneBy({ id });
    say(read.long === long, read.bytes.length, (await things.delete(id)).affected);
  },
  async cursor(say) {
    let sum = 0;
    const runner = db.createQueryRunner();
    for await (const { n } of await runner.stream("SELECT n FROM generate_series(1, 25000) AS n")) sum += n;
    await runner.release();
    say(sum);
  },
  async statement_timeout(say) {
    const own = await open({ poolSize: 1, extra: { statement_timeout: 150 } });
    say(await failure(own.query("SELECT pg_sleep(20)")), await own.query("SELECT 'usable' AS still"));
    await own.destroy();
  },
  async pool(say) {
    await db.query("CREATE TABLE counted (n int); INSERT INTO counted VALUES (0)");
    const ten = await open({ poolSize: 10 });
    const work = (n) => ten.transaction(async (tx) => {
      await tx.query("SELECT set_config('app.n', $1, true)", [String(n)]);
      await tx.query("UPDATE counted SET n = n + 1");
      if (n % 4 === 3) throw new Error("no");
      return (await tx.query("SELECT current_setting('app.n') AS me"))[0].me === String(n);
    }).catch((error) => error.message === "no");
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => work(n)));
    say(all.every(Boolean), await db.query("SELECT n FROM counted"));
    await ten.destroy();
  },
};

await play("TypeORM", versionOf("typeorm"), { ...tools, ...rows, ...volume });
