// node-postgres with its cursor, query stream and COPY stream packages.

import pg from "pg";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import copy from "pg-copy-streams";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FIVE_MB, digest, failure, line, longText, play, told, url, versionOf } from "./cases.js";

const pool = new pg.Pool({ connectionString: url, max: 3 });
const one = async (sql, values, on = pool) => (await on.query(sql, values)).rows;

// A session of its own for one case, with settings of its own.
const session = async (work, settings = {}) => {
  const client = new pg.Client({ connectionString: url, ...settings });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const transaction = (work) =>
  session(async (client) => {
    await client.query("BEGIN");
    await work(client);
    await client.query("COMMIT");
  });

const schema = {
  async create(say) {
    await pool.query(`
      CREATE TABLE public.kinds (id serial PRIMARY KEY, name text NOT NULL CONSTRAINT kinds_name UNIQUE);
      CREATE TYPE public.mood AS ENUM ('calm', 'public');
      CREATE TABLE things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood public.mood,
        kind int REFERENCES "public"."kinds" ("id"), title varchar(80) DEFAULT 'public', price numeric(12, 4));
      CREATE VIEW public.cheap AS SELECT id, title FROM public.things WHERE price < 10;
      CREATE INDEX things_title ON public.things (title)`);
    say(await one("SELECT to_regclass('public.things')::text AS found, 'public.kinds'::regclass::text AS kinds"));
  },

  async schemas(say) {
    say(await one("SELECT current_schemas(false) AS path"));
    say(await one("SELECT schema_name FROM information_schema.schemata WHERE schema_name !~ '^pg_' ORDER BY 1"));
  },

  async introspection(say) {
    const bySchema = "SELECT table_schema, table_name, table_type FROM information_schema.tables " +
      "WHERE table_schema = $1 ORDER BY table_name";
    say(await one(bySchema, ["public"]));
    say(await one("SELECT DISTINCT table_schema FROM information_schema.tables " +
      "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"));
    say(await one("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1) ORDER BY 2", [["public"]]));
    say(await one("SELECT column_name, data_type, column_default, udt_schema, udt_name, is_identity " +
      "FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'things' ORDER BY ordinal_position"));
    say(await one("SELECT n.nspname, t.typname, array_agg(e.enumlabel ORDER BY e.enumsortorder) AS labels " +
      "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY 1, 2"));
    say(await one("SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE tablename = 'things' ORDER BY 2"));
    say(await one("SELECT schemaname, viewname, definition FROM pg_views WHERE viewname = 'cheap'"));
    say(await one("SELECT current_schema()"));
    say(await one("SHOW search_path"));
    say(await one("SELECT conname, pg_get_constraintdef(oid) AS def, conrelid::regclass::text AS on_table " +
      "FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1"));
    const { fields } = await pool.query("SELECT t.id, t.title FROM things t");
    say((await one("SELECT relnamespace::regnamespace::text AS schema, relname FROM pg_class WHERE oid = $1", [fields[0].tableID])));
  },
};

const rows = {
  async crud(say) {
    await transaction(async (client) => {
      const kind = await one("INSERT INTO kinds (name) VALUES ($1) RETURNING id, name", ["tool"], client);
      say(kind);
      say(await one("INSERT INTO public.things (mood, kind, price) VALUES ('public', $1, $2) RETURNING *", [1, "9.5"], client));
      say(await one("UPDATE things SET title = $1 WHERE id = 1 RETURNING title", ["a public thing"], client));
    });
    say(await one("SELECT t.*, k.name FROM public.things t JOIN public.kinds k ON k.id = t.kind"));
    say(await one("TABLE public.cheap"));
    const gone = await pool.query("DELETE FROM things WHERE id = $1", [1]);
    say(gone.command, gone.rowCount);
  },

  async rollback(say) {
    await session(async (client) => {
      await client.query("BEGIN");
      await client.query("INSERT INTO kinds (name) VALUES ('undone')");
      say(await one("SELECT count(*)::int AS inside FROM kinds", [], client));
      await client.query("ROLLBACK");
      say(await one("SELECT count(*)::int AS after FROM kinds", [], client));
      await client.query("BEGIN");
      say(await failure(client.query("SELECT 1 / 0")));
      say(await failure(client.query("SELECT 1")));
      say((await client.query("COMMIT")).command);
    });
  },

  async unique_violation(say) {
    await session(async (client) => {
      await client.query("INSERT INTO kinds (name) VALUES ('tool')").catch((error) => {
        const { code, schema, table, constraint, detail, routine } = told(error);
        say(code, schema, table, constraint, detail, routine);
      });
      say(await one("SELECT 'usable' AS still", [], client));
      say(await failure(client.query("SELECT * FROM public.missing")));
      say(await failure(client.query("INSERT INTO public.things (kind) VALUES (99)")));
      const wrong = "SELECT public.things.nothing FROM public.things";
      await client.query(wrong).catch(({ code, position }) => say(code, wrong.slice(position - 1)));
    });
  },

  async prepared(say) {
    await session(async (client) => {
      const named = { name: "twice", text: "SELECT $1::int * 2 AS twice, count(*)::int AS n FROM public.kinds" };
      for (const n of [1, 2, 21]) say(await one({ ...named, values: [n] }, undefined, client));
      await client.query("ALTER TABLE public.kinds ADD COLUMN colour text");
      const star = { name: "star", text: "SELECT * FROM kinds WHERE name = $1", values: ["tool"] };
      say(await one(star, undefined, client));
      await client.query("ALTER TABLE public.kinds ADD COLUMN shape text");
      say(await failure(client.query(star)));
      await client.query("DEALLOCATE ALL");
      say(await failure(client.query(star)));
    });
  },
};

const round = async (say, type, values, binary = false) => {
  const work = async (client) => {
    for (const value of values) {
      const query = { text: `SELECT $1::${type} AS v, pg_typeof($1::${type})::text AS t`, values: [value], binary };
      say(await one(query, undefined, client));
    }
  };
  await session(work);
};

const values = {
  async binary(say) {
    await session(async (client) => {
      const query = {
        text: "SELECT encode($1, 'hex') AS b, 7::int4 AS i, 2.5::float8 AS f, true AS t, 'x'::text AS x, table_schema::text " +
          "FROM information_schema.tables WHERE table_schema = $2 AND table_name = 'kinds'",
        values: [Buffer.from([0, 1, 254, 255]), "public"], binary: true,
      };
      say(await one(query, undefined, client));
      say(await one({ ...query, name: "kept" }, undefined, client), await one({ ...query, name: "kept" }, undefined, client));
    });
  },
  null: (say) => round(say, "text", [null, "", "null"]),
  async arrays(say) {
    await round(say, "int[]", [[1, null, 3], [], [[1, 2], [3, 4]]]);
    await round(say, "text[]", [["public", 'a "quoted" one', "{x}", null]]);
  },
  jsonb: (say) => round(say, "jsonb", [{ public: ["public.t", { schema: "public" }], n: 1e21, u: "\u00e9\u{1f600}" }, '"public"']),
  timestamptz: async (say) => {
    await round(say, "timestamptz", ["2024-02-29 23:59:59.123456+05:30", "infinity", new Date(0)]);
    await session(async (client) => {
      await client.query("SET TIME ZONE 'Asia/Kolkata'");
      say(await one("SELECT '2024-01-01 00:00+00'::timestamptz::text AS local", [], client));
    });
  },
  numeric: (say) => round(say, "numeric", ["123456789012345678901234567890.000000001", "NaN", "-0.10"]),
  async bytea(say) {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const [{ v }] = await one("SELECT $1::bytea AS v", [bytes]);
    say(v.equals(bytes), v.length);
  },
  uuid: (say) => round(say, "uuid", ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]),
};

const volume = {
  async rows_100000(say) {
    const { rows } = await pool.query("SELECT n, 'public row ' || n AS title FROM generate_series(1, 100000) AS n");
    say(rows.length, digest(rows.map((row) => `${row.n}${row.title}`).join()));
  },
  async parameter_5mb(say) {
    const long = longText(FIVE_MB);
    const [row] = await one("SELECT $1::text AS v, md5($1::text) AS md5, length($2::bytea) AS n", [long, Buffer.alloc(FIVE_MB, 7)]);
    say(row.v === long, row.md5, row.n);
    const [whole] = await one(`SELECT length('${long}') AS n`);
    say("in the statement's text", whole.n);
  },
  async pipeline(say) {
    const work = async (client) => {
      const texts = ["SELECT 1 AS v", "SELECT 1 / 0", "SELECT table_schema AS v FROM information_schema.tables WHERE table_name = 'kinds'"];
      say(await Promise.allSettled(texts.map((text) => client.query(text, []))).then((all) =>
        all.map((each) => each.value?.rows ?? line(each.reason))));
      const many = Array.from({ length: 500 }, (_, n) => client.query({ name: `p${n % 7}`, text: `SELECT $1::int + ${n % 7} AS v`, values: [n] }));
      const sum = (await Promise.all(many)).reduce((total, { rows }) => total + rows[0].v, 0);
      say("500 at once", sum);
    };
    await session(work, { pipeline: true });
  },
  async cursor(say) {
    await transaction(async (client) => {
      const cursor = client.query(new Cursor("SELECT n, 'public' AS p FROM generate_series(1, $1::int) AS n", [1000]));
      const first = await cursor.read(10);
      const second = await cursor.read(500);
      say(first.length, second[0], second.at(-1));
      await cursor.close();
      const stream = client.query(new QueryStream("SELECT n FROM generate_series(1, 25000) AS n", [], { batchSize: 100 }));
      let sum = 0;
      for await (const { n } of stream) sum += n;
      say("streamed", sum);
      await client.query("DECLARE c CURSOR FOR SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 2");
      say((await client.query("FETCH 1 FROM c")).rows, (await client.query("FETCH ALL FROM c")).rowCount);
    });
    await session(async (client) => {
      await client.query("DECLARE held CURSOR WITH HOLD FOR SELECT n FROM generate_series(1, 10) AS n");
      await client.query("BEGIN; FETCH 4 FROM held; COMMIT");
      say(await one("FETCH 2 FROM held", [], client));
    });
  },
};

// Sleeps under a lock, so that others can tell when it has begun.
const SLEEP = "SELECT pg_advisory_xact_lock(77), pg_sleep(20)";
const sleeping = async () => {
  while ((await one("SELECT pg_try_advisory_xact_lock(77) AS free"))[0].free);
};

const control = {
  async statement_timeout(say) {
    await session(async (client) => {
      say(await failure(client.query("SELECT pg_sleep(20)")));
      await client.query("SET statement_timeout = 0");
      say(await one("SELECT 'usable' AS still FROM pg_sleep(0.3)", [], client));
    }, { statement_timeout: 150 });
    await session(async (client) => {
      say(await one("SHOW lock_timeout", [], client), await one("SHOW idle_in_transaction_session_timeout", [], client),
        await one("SHOW application_name", [], client));
    }, { lock_timeout: 1234, idle_in_transaction_session_timeout: 5678, application_name: "pg public" });
  },
  async cancel(say) {
    await session(async (client) => {
      const query = new pg.Query(SLEEP);
      const stopped = once(query, "error", { signal: AbortSignal.timeout(15_000) }).catch((error) => [error]);
      client.query(query);
      await sleeping();
      new pg.Client({ connectionString: url }).cancel(client, query);
      say(line((await stopped)[0]));
      say(await one("SELECT 'usable' AS still", [], client));
    });
  },
  async cancel_backend(say) {
    await session(async (client) => {
      await client.query("BEGIN; SET LOCAL statement_timeout = 1500");
      const [{ pid }] = await one("SELECT pg_backend_pid() AS pid", [], client);
      const stopped = failure(client.query(SLEEP));
      await sleeping();
      say(await failure(pool.query("SELECT pg_cancel_backend($1)", [pid])));
      say(await stopped);
    });
  },
  async savepoint(say) {
    await transaction(async (client) => {
      await client.query("INSERT INTO kinds (name) VALUES ('kept')");
      await client.query("SAVEPOINT here");
      say(await failure(client.query("INSERT INTO kinds (name) VALUES ('kept')")));
      await client.query("ROLLBACK TO SAVEPOINT here; RELEASE here");
      await client.query("INSERT INTO kinds (name) VALUES ('kept too')");
    });
    say(await one("SELECT name FROM kinds ORDER BY name"));
  },
};

const several = {
  async pool(say) {
    await pool.query("CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO counted VALUES (1)");
    const ten = new pg.Pool({ connectionString: url, max: 10 });
    const work = async (n) => {
      const client = await ten.connect();
      try {
        await client.query("BEGIN");
        await client.query("SELECT set_config('app.n', $1, true)", [String(n)]);
        await client.query("UPDATE counted SET n = n + 1 WHERE id = 1");
        const [{ me }] = await one("SELECT current_setting('app.n') AS me", [], client);
        await client.query(n % 4 === 3 ? "ROLLBACK" : "COMMIT");
        return Number(me) === n;
      } finally {
        client.release();
      }
    };
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => work(n)));
    say(all.every(Boolean), await one("SELECT n FROM counted"), ten.totalCount);
    await ten.end();
  },
  async notify(say) {
    await session(async (client) => {
      await client.query("LISTEN public");
      const heard = once(client, "notification", { signal: AbortSignal.timeout(10_000) });
      await pool.query("SELECT pg_notify('public', 'schema public')");
      const [{ channel, payload }] = await heard;
      say(channel, payload);
      await client.query("UNLISTEN *");
    });
  },
  async advisory_lock(say) {
    const take = "SELECT pg_try_advisory_lock(4711) AS taken";
    await session(async (client) => {
      say(await one(take, [], client));
      say("another", await session((other) => one(take, [], other)));
      say(await one("SELECT pg_advisory_unlock(4711) AS free", [], client));
      say("another", await session((other) => one(take, [], other)));
    });
  },
  async temp_table(say) {
    await session(async (client) => {
      await client.query("CREATE TEMP TABLE kinds (mine text); INSERT INTO kinds VALUES ('public')");
      say(await one("SELECT * FROM kinds", [], client), await one("SELECT count(*)::int AS n FROM public.kinds", [], client));
      say("another", await one("SELECT count(*)::int AS n FROM kinds"));
    });
  },
  async copy(say) {
    await session(async (client) => {
      const lines = Array.from({ length: 20000 }, (_, n) => `${n + 10}\t${n}\n`);
      await pipeline(Readable.from(lines), client.query(copy.from("COPY public.counted (id, n) FROM STDIN")));
      const chunks = [];
      for await (const chunk of client.query(copy.to("COPY (SELECT * FROM counted ORDER BY id) TO STDOUT (FORMAT csv)"))) chunks.push(chunk);
      say(digest(Buffer.concat(chunks)), Buffer.concat(chunks).length);
      say(await failure(pipeline(Readable.from(["one\ttwo\n"]), client.query(copy.from("COPY counted FROM STDIN")))));
      say(await one("SELECT count(*)::int AS n FROM counted", [], client));
    });
  },
  async large_object(say) {
    await transaction(async (client) => {
      const [{ oid }] = await one("SELECT lo_from_bytea(0, $1) AS oid", [Buffer.alloc(100_000, "public")], client);
      const [{ bytes }] = await one("SELECT lo_get($1, 6, 12) AS bytes", [oid], client);
      say(String(bytes), await one("SELECT lo_unlink($1) AS gone", [oid], client));
    });
  },
};

await play("pg", versionOf("pg"), { ...schema, ...rows, ...values, ...volume, ...control, ...several });
