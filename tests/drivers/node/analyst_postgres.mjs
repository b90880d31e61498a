// Postgres.js as an analyst: it looks up array types at its start, pipelines, and prepares everything.

import postgres from "postgres";

const sql = postgres(process.env.DATABASE_URL, { max: 1 });
const say = (value) => console.log(JSON.stringify(value));
const counts = [1, 5, 7].map((hours) => sql`SELECT mood, count(*) FROM todos WHERE hours > ${hours} GROUP BY mood ORDER BY mood`);
for (const rows of await Promise.all(counts)) say(rows);
say(await sql`SELECT id, at, due, tags, meta, weight, done FROM todos ORDER BY id LIMIT 25`);
for await (const rows of sql`SELECT id FROM todos ORDER BY id LIMIT 120`.cursor(50)) say(rows);
await sql.begin("read only", async (sql) => say(await sql`SELECT sum(weight) FROM todos WHERE title = ANY(${["resume", "co-op"]})`));
say(await sql`SELECT nope FROM todos`.catch((error) => [error.code, error.position]));
say(await sql`SELECT max(title) FROM todos`);
await sql.end();
