// node-postgres as an analyst: named statements, a cursor, a transaction, settings.

import pg from "pg";
import Cursor from "pg-cursor";

const client = new pg.Client({ connectionString: process.env.DATABASE_URL, statement_timeout: 60000, application_name: "app" });
await client.connect();
const say = (value) => console.log(JSON.stringify(value));
for (const hours of [1, 5]) {
  const byMood = "SELECT mood, count(*), avg(hours) FROM todos WHERE hours > $1 GROUP BY mood ORDER BY mood";
  say((await client.query({ name: "by-mood", text: byMood, values: [hours] })).rows);
}
say((await client.query("SELECT id, at, due, tags, meta, raw, weight, done FROM todos ORDER BY id LIMIT 25")).rows);
const cursor = client.query(new Cursor("SELECT id FROM todos ORDER BY id LIMIT 120"));
for (let rows = await cursor.read(50); rows.length > 0; rows = await cursor.read(50)) say(rows);
await cursor.close();
await client.query("BEGIN");
say((await client.query("SELECT sum(weight) FROM todos")).rows);
say(await client.query("SELECT nope FROM todos").catch((error) => [error.code, error.position]));
await client.query("ROLLBACK");
say((await client.query("SELECT 1 AS one; SELECT count(*) FROM todos")).map((result) => result.rows));
await client.end();
