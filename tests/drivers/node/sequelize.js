// Sequelize: sync and alter, its query interface, umzug's migrations, models, transactions and its pool.

import { DataTypes, QueryTypes, Sequelize, Transaction } from "sequelize";
import { SequelizeStorage, Umzug } from "umzug";
import { FIVE_MB, digest, failure, longText, play, told, url, versionOf } from "./cases.js";

const sent = [];
const open = (more = {}) => new Sequelize(url, { dialect: "postgres", logging: (sql) => sent.push(sql), pool: { max: 3 }, ...more });
const db = open();
const ui = db.getQueryInterface();

const Kind = db.define("Kind", { name: { type: DataTypes.STRING(80), allowNull: false, unique: true } }, { tableName: "kinds", timestamps: false });
const Thing = db.define("Thing", {
  id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
  mood: { type: DataTypes.ENUM("calm", "public"), defaultValue: "calm" },
  tags: DataTypes.ARRAY(DataTypes.TEXT), data: DataTypes.JSONB, at: DataTypes.DATE(6), price: DataTypes.DECIMAL(40, 9),
  bytes: DataTypes.BLOB, big: DataTypes.BIGINT, long: DataTypes.TEXT,
}, { tableName: "things", schema: "public", updatedAt: false, createdAt: false, indexes: [{ fields: ["mood", "big"] }] });
Thing.belongsTo(Kind, { foreignKey: "kindId", onDelete: "CASCADE" });
Kind.hasMany(Thing, { foreignKey: "kindId" });

// The DDL sent since the last look.
const ddl = () => sent.splice(0).map((sql) => sql.replace(/^Executing \([^)]*\): /, "")).filter((sql) => /^(CREATE|ALTER|DROP|COMMENT|DO)/.test(sql));

const tools = {
  async create(say) {
    await db.sync();
    ddl().forEach((sql) => say(sql));
    await db.sync();
    say("again", ddl());
  },
  async alter(say) {
    Kind.rawAttributes.colour = { type: DataTypes.STRING, defaultValue: "public" };
    Kind.init(Kind.rawAttributes, { sequelize: db, tableName: "kinds", timestamps: false });
    for (const time of ["first", "second"]) {
      await db.sync({ alter: true });
      ddl().forEach((sql) => say(time, sql));
    }
  },
  async introspection(say) {
    say((await ui.showAllTables()).sort());
    say(await ui.describeTable("kinds"), await ui.describeTable({ tableName: "things", schema: "public" }));
    say((await ui.showIndex({ tableName: "things", schema: "public" })).map(({ name, fields, unique }) => [name, fields.map(({ attribute }) => attribute), unique]));
    say(await ui.tableExists("kinds"), await ui.tableExists("missing"), await ui.tableExists({ tableName: "things", schema: "public" }));
  },
  async schemas(say) {
    say(await db.showAllSchemas());
  },
  // Looked up under the database's name as the URL has it.
  async foreign_keys(say) {
    const keys = await ui.getForeignKeyReferencesForTable({ tableName: "things", schema: "public" });
    say(keys.map(({ constraintSchema, tableSchema, tableName, columnName, referencedTableSchema, referencedTableName }) =>
      [constraintSchema, tableSchema, tableName, columnName, referencedTableSchema, referencedTableName]));
  },
  async migrate(say) {
    const migrations = [
      { name: "1_notes", up: () => ui.createTable({ tableName: "notes", schema: "public" }, { id: { type: DataTypes.INTEGER, autoIncrement: true, primaryKey: true },
        kind: { type: DataTypes.INTEGER, references: { model: { tableName: "kinds", schema: "public" }, key: "id" } } }), down: () => ui.dropTable("notes") },
      { name: "2_text", up: () => ui.addColumn({ tableName: "notes", schema: "public" }, "text", { type: DataTypes.STRING, defaultValue: "public" }), down: () => ui.removeColumn("notes", "text") },
      { name: "3_index", up: async () => {
        await ui.addIndex("notes", ["text"], { unique: true });
        await ui.addConstraint("notes", { fields: ["kind"], type: "check", where: { kind: { [Sequelize.Op.gt]: 0 } } });
        await ui.changeColumn("notes", "text", { type: DataTypes.STRING(500) });
        await ui.renameColumn("notes", "text", "words");
      }, down: async () => {
        await ui.renameColumn("notes", "words", "text");
        await ui.removeIndex("notes", ["text"]);
      } },
    ];
    const umzug = new Umzug({ migrations, storage: new SequelizeStorage({ sequelize: db }), logger: undefined });
    const names = (all) => all.map(({ name }) => name);
    say(names(await umzug.up()), names(await umzug.up()), names(await umzug.executed()));
    say(await ui.describeTable("notes"));
    say(names(await umzug.down({ to: 0 })), names(await umzug.pending()), await ui.tableExists("notes"));
    await ui.createSchema("public").then(() => say("no error"), (error) => say(told(error).code));
  },
};

const rows = {
  async crud(say) {
    await db.transaction(async (transaction) => {
      const kinds = await Kind.bulkCreate([{ name: "tool" }, { name: "toy" }], { transaction, returning: true });
      say(kinds.map((kind) => kind.toJSON()));
      const thing = await Thing.create({
        id: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", kindId: kinds[0].id, mood: "public", tags: ["public", 'a "b"', null], data: { schema: "public", n: [1, null] },
        at: "2024-02-29T23:59:59.123+05:30", price: "123456789012345678901.000000001", bytes: Buffer.from([0, 1, 254, 255]), big: "9007199254740993",
      }, { transaction });
      say(await thing.update({ long: "a public thing" }, { transaction }).then(({ long }) => long));
    });
    say((await Thing.findAll({ include: Kind })).map((thing) => thing.toJSON()));
    say((await Kind.upsert({ id: 1, name: "tool", colour: "red" }))[0].toJSON(), await Thing.findOne({ where: { "data.schema": "public" } }).then(({ mood }) => mood));
    say(await Kind.findOrCreate({ where: { name: "found" } }).then(([kind, made]) => [kind.name, made]));
    say(await Kind.destroy({ where: { name: ["toy", "found"] } }));
  },
  async rollback(say) {
    say(await failure(db.transaction(async (transaction) => {
      await Kind.create({ name: "undone" }, { transaction });
      throw new Error("changed my mind");
    })));
    say(await failure(db.transaction((transaction) => db.query("SELECT 1 / 0", { transaction }))), await Kind.count());
  },
  async savepoint(say) {
    await db.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.REPEATABLE_READ }, async (transaction) => {
      await Kind.create({ name: "kept" }, { transaction });
      say(await failure(db.transaction({ transaction }, (inner) => Kind.create({ name: "kept" }, { transaction: inner }))));
      await db.transaction({ transaction }, (inner) => Kind.create({ name: "kept too" }, { transaction: inner }));
    });
    say((await Kind.findAll({ order: ["name"] })).map(({ name }) => name));
  },
  async unique_violation(say) {
    await Kind.create({ name: "tool" }).catch((error) => {
      const { code, schema, table, constraint, detail } = told(error);
      say(error.name, code, schema, table, constraint, detail);
    });
    say(await db.query("SELECT 'usable' AS still", { type: QueryTypes.SELECT }), await failure(db.query("SELECT * FROM public.missing")));
  },
  null: async (say) => say((await Thing.create({ tags: [] }, { returning: true }).then(({ kindId, mood, tags, data }) => ({ kindId, mood, tags, data })))),
};

const volume = {
  async rows_100000(say) {
    const all = await db.query("SELECT n, 'public row ' || n AS title FROM generate_series(1, $1::int) AS n", { type: QueryTypes.SELECT, bind: [100_000] });
    say(all.length, digest(all.map((row) => `${row.n}${row.title}`).join()));
  },
  async parameter_5mb(say) {
    const long = longText(FIVE_MB);
    const { id } = await Thing.create({ long });
    say((await Thing.findByPk(id)).long === long, await Thing.destroy({ where: { id } }));
  },
  async statement_timeout(say) {
    const own = open({ dialectOptions: { statement_timeout: 150 }, pool: { max: 1 } });
    say(await failure(own.query("SELECT pg_sleep(20)")), await own.query("SELECT 'usable' AS still", { type: QueryTypes.SELECT }));
    await own.close();
  },
  async pool(say) {
    const ten = open({ pool: { max: 10 }, logging: false });
    await ten.query("CREATE TABLE counted (n int); INSERT INTO counted VALUES (0)");
    const work = (n) => ten.transaction(async (transaction) => {
      await ten.query("SELECT set_config('app.n', $1, true)", { bind: [String(n)], transaction });
      await ten.query("UPDATE counted SET n = n + 1", { transaction });
      if (n % 4 === 3) throw new Error("no");
      return (await ten.query("SELECT current_setting('app.n') AS me", { transaction }))[0][0].me === String(n);
    }).catch((error) => error.message === "no");
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => work(n)));
    say(all.every(Boolean), await ten.query("SELECT n FROM counted", { type: QueryTypes.SELECT }));
    await ten.close();
  },
};

await play("Sequelize", versionOf("sequelize"), { ...tools, ...rows, ...volume });
