// postgres.js: tagged templates, its own pool, pipelining and prepared statements by default.

import postgres from "postgres";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FIVE_MB, digest, failure, line, longText, play, told, url, versionOf } from "./cases.js";

const settings = { onnotice: () => {}, max: 3 };
const sql = postgres(url, settings);

// A pool of its own for one case.
const alone = async (more, work) => {
  const own = postgres(url, { ...settings, max: 1, ...more });
  try {
    return await work(own);
  } finally {
    await own.end({ timeout: 1 });
  }
};

const SLEEP = "SELECT pg_advisory_xact_lock(78), pg_sleep(20)";
const sleeping = async () => {
  while ((await sql`SELECT pg_try_advisory_xact_lock(78) AS free`)[0].free);
};

const rows = {
  async create(say) {
    await sql.unsafe(`
      CREATE TABLE public.kinds (id serial PRIMARY KEY, name text NOT NULL CONSTRAINT kinds_name UNIQUE);
      CREATE TYPE public.mood AS ENUM ('calm', 'public');
      CREATE TABLE things (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, moods public.mood[],
        kind int REFERENCES "public"."kinds" ("id"), title text DEFAULT 'public')`).simple();
    say(await sql`SELECT to_regclass('public.things')::text AS found`);
  },
  async crud(say) {
    await sql.begin(async (tx) => {
      say(await tx`INSERT INTO public.kinds ${tx([{ name: "tool" }, { name: "toy" }], "name")} RETURNING *`);
      say(await tx`INSERT INTO ${tx("public.things")} (kind) VALUES (1), (2) RETURNING id, title`);
      say((await tx`UPDATE things SET ${tx({ title: "a public thing" }, "title")} WHERE id IN ${tx([1, 3])}`).count);
    });
    say(await sql`SELECT t.*, k.name FROM public.things t JOIN public.kinds k ON k.id = t.kind ORDER BY t.id`);
    say((await sql`DELETE FROM things`).count);
  },
  async rollback(say) {
    say(await failure(sql.begin(async (tx) => {
      await tx`INSERT INTO kinds (name) VALUES ('undone')`;
      throw new Error("changed my mind");
    })));
    say(await failure(sql.begin((tx) => [tx`INSERT INTO kinds (name) VALUES ('undone')`, tx`SELECT 1 / 0`])));
    say(await sql`SELECT count(*)::int AS after FROM kinds`);
  },
  async unique_violation(say) {
    await alone({}, async (own) => {
      await own`INSERT INTO kinds (name) VALUES (${"tool"})`.catch((error) => {
        const { code, schema_name, table_name, constraint_name, detail } = told(error);
        say(code, schema_name, table_name, constraint_name, detail);
      });
      say(await own`SELECT 'usable' AS still`);
      say(await failure(own`SELECT * FROM public.missing`));
    });
  },
  async prepared(say) {
    await alone({}, async (own) => {
      for (const n of [1, 2, 21]) say(await own`SELECT ${n}::int * 2 AS twice, count(*)::int AS n FROM public.kinds`);
      const star = () => own`SELECT * FROM kinds WHERE name = ${"tool"}`;
      say(await star());
      await sql`ALTER TABLE public.kinds ADD COLUMN colour text`;
      say(await failure(star()), await star());
      say("described", (await own`SELECT t.*, ${1}::bigint AS n FROM public.things t`.describe()).columns.map(({ name, type }) => [name, type].slice(0, name === "moods" ? 1 : 2)));
    });
  },
};

const values = {
  null: async (say) => say(await sql`SELECT ${null}::text AS a, ${""}::text AS b, ${"null"}::text AS c`),
  async arrays(say) {
    say(await sql`SELECT ${[1, 2, 3]}::int[] AS i, ${["public", 'a "quoted" one', "{x}"]}::text[] AS t`);
    await alone({}, async (own) =>
      say(await own`INSERT INTO things (moods) VALUES (${["calm", "public"]}::public.mood[]) RETURNING moods`));
    say(await sql`SELECT name FROM kinds WHERE name = ANY(${["tool", "toy"]}) ORDER BY 1`);
  },
  async jsonb(say) {
    say(await sql`SELECT ${sql.json({ public: ["public.t", { schema: "public" }], u: "\u00e9\u{1f600}" })}::jsonb AS v`);
  },
  async timestamptz(say) {
    say(await sql`SELECT ${new Date(951868799123)}::timestamptz AS v, ${"2024-01-01 00:00+00"}::timestamptz::text AS t`);
    await alone({ connection: { TimeZone: "Asia/Kolkata" } }, async (own) =>
      say(await own`SELECT '2024-01-01 00:00+00'::timestamptz::text AS local`));
  },
  numeric: async (say) => say(await sql`SELECT ${"123456789012345678901234567890.000000001"}::numeric AS v, 9007199254740993::bigint AS big`),
  async bytea(say) {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const [{ v }] = await sql`SELECT ${bytes}::bytea AS v`;
    say(v.equals(bytes), v.length);
  },
  uuid: async (say) => say(await sql`SELECT ${"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}::uuid AS v`),
};

const introspection = {
  async schemas(say) {
    say(await sql`SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1`);
  },
  async introspection(say) {
    say(await sql`SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = ${"public"} ORDER BY 2`);
    say(await sql`SELECT schemaname, tablename FROM pg_catalog.pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 2`);
    say(await sql`SELECT column_name, column_default, udt_schema, udt_name FROM information_schema.columns
      WHERE (table_schema, table_name) = (${"public"}, ${"things"}) ORDER BY ordinal_position`);
    say(await sql`SELECT ${"public.things"}::regclass::text AS t, current_schema(), format_type('public.mood'::regtype, NULL) AS f`);
    say(await sql`SELECT * FROM ${sql("pg_catalog.pg_sequences")} WHERE schemaname = ${"public"}`.values()
      .then((all) => all.map(([schema, name, owner, type]) => [schema, name, type])));
    await alone({ connection: { search_path: "pg_catalog" } }, async (own) => {
      say(await own`SHOW search_path`);
      say(await own`SELECT 'public.things'::regclass::text AS qualified`, await failure(own`TABLE things`));
    });
  },
};

const volume = {
  async rows_100000(say) {
    const all = await sql`SELECT n, 'public row ' || n AS title FROM generate_series(1, 100000) AS n`;
    say(all.length, digest(all.map((row) => `${row.n}${row.title}`).join()));
  },
  async parameter_5mb(say) {
    const long = longText(FIVE_MB);
    const [row] = await sql`SELECT ${long}::text AS v, md5(${long}::text) AS md5, length(${Buffer.alloc(FIVE_MB, 7)}::bytea) AS n`;
    say(row.v === long, row.md5, row.n);
  },
  async pipeline(say) {
    await alone({}, async (own) => {
      const three = [own`SELECT 1 AS v`, own`SELECT 1 / 0`, own`SELECT count(*)::int AS v FROM public.kinds`];
      say((await Promise.allSettled(three)).map(({ value, reason }) => value ?? line(reason)));
      const many = Array.from({ length: 500 }, (_, n) => own`SELECT ${n}::int + 1 AS v`);
      say("500 at once", (await Promise.all(many)).reduce((total, [{ v }]) => total + v, 0));
    });
  },
  async cursor(say) {
    let sum = 0;
    await sql`SELECT n FROM generate_series(1, 25000) AS n`.cursor(1000, (part) => {
      sum += part.reduce((total, { n }) => total + n, 0);
    });
    say(sum);
    const seen = [];
    for await (const [{ n }] of sql`SELECT n FROM generate_series(1, 1000) AS n`.cursor()) {
      if (seen.push(n) === 5) break;
    }
    say(seen);
    let each = 0;
    await sql`SELECT n FROM generate_series(1, 500) AS n`.forEach(({ n }) => { each += n; });
    say("each", each);
  },
};

const control = {
  async statement_timeout(say) {
    await alone({ connection: { statement_timeout: 150, application_name: "pg public" } }, async (own) => {
      say(await failure(own`SELECT pg_sleep(20)`));
      await own`SET statement_timeout = 0`;
      say(await own`SELECT 'usable' AS still, current_setting('application_name') AS name FROM pg_sleep(0.3)`);
    });
  },
  async cancel(say) {
    await alone({}, async (own) => {
      const query = own.unsafe(SLEEP);
      const stopped = failure(query);
      await sleeping();
      query.cancel();
      say(await stopped);
      say(await own`SELECT 'usable' AS still`);
    });
  },
  async savepoint(say) {
    await sql.begin(async (tx) => {
      await tx`INSERT INTO kinds (name) VALUES ('kept')`;
      say(await failure(tx.savepoint((sp) => sp`INSERT INTO kinds (name) VALUES ('kept')`)));
      await tx.savepoint("named", (sp) => sp`INSERT INTO kinds (name) VALUES ('kept too')`);
    });
    say(await sql`SELECT name FROM kinds ORDER BY name`);
  },
};

const several = {
  async pool(say) {
    await sql.unsafe("CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO counted VALUES (1)");
    await alone({ max: 10 }, async (ten) => {
      const work = (n) => ten.begin(async (tx) => {
        await tx`SELECT set_config('app.n', ${n}, true)`;
        await tx`UPDATE counted SET n = n + 1 WHERE id = 1`;
        if (n % 4 === 3) throw new Error("no");
        return Number((await tx`SELECT current_setting('app.n') AS me`)[0].me) === n;
      }).catch((error) => error.message === "no");
      const all = await Promise.all(Array.from({ length: 200 }, (_, n) => work(n)));
      say(all.every(Boolean), await sql`SELECT n FROM counted`);
    });
    await alone({ max: 2 }, async (own) => {
      const reserved = await own.reserve();
      await reserved`SET application_name = 'reserved'`;
      say(await reserved`SHOW application_name`);
      reserved.release();
    });
  },
  async notify(say) {
    await alone({ max: 2 }, async (own) => {
      let hear;
      const heard = new Promise((done) => { hear = done; });
      await own.listen("public", hear);
      await own.notify("public", "schema public");
      say(await heard);
    });
  },
  async advisory_lock(say) {
    const take = (on) => on`SELECT pg_try_advisory_lock(4712) AS taken`;
    await alone({}, async (own) => {
      say(await take(own), "another", await alone({}, take));
      say(await own`SELECT pg_advisory_unlock(4712) AS free`, "another", await alone({}, take));
    });
  },
  async temp_table(say) {
    await alone({}, async (own) => {
      await own`CREATE TEMP TABLE kinds (mine text)`;
      await own`INSERT INTO kinds VALUES ('public')`;
      say(await own`TABLE kinds`, await sql`SELECT count(*)::int AS n FROM kinds`);
    });
  },
  async copy(say) {
    const lines = Array.from({ length: 20000 }, (_, n) => `${n + 10}\t${n}\n`);
    await alone({}, async (own) =>
      pipeline(Readable.from(lines), await own`COPY public.counted (id, n) FROM STDIN`.writable()));
    const chunks = [];
    await alone({}, async (own) => {
      const out = await own`COPY (SELECT * FROM counted ORDER BY id) TO STDOUT`.readable();
      for await (const chunk of out) chunks.push(chunk);
    });
    say(digest(Buffer.concat(chunks)), Buffer.concat(chunks).length);
    say(await sql`SELECT count(*)::int AS n FROM counted`);
  },
  async large_object(say) {
    await alone({}, async (own) => {
      const large = await own.largeObject();
      await large.write(Buffer.alloc(100_000, "public"));
      await large.seek(6);
      const [{ data }] = await large.read(12);
      say(String(data), await large.tell());
      await large.close();
    });
  },
};

await play("postgres.js", versionOf("postgres"), { ...rows, ...introspection, ...values, ...volume, ...control, ...several });
