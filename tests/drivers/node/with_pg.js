// An ordinary program on a node-postgres pool: DATABASE_URL says where, the first argument whose rows it writes.

import assert from "node:assert/strict";
import pg from "pg";

const me = process.argv[2];
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });

const write = async (n) => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("INSERT INTO by_pg (owner, n) VALUES ($1, $2)", [me, n]);
    const read = { name: "owner-of", text: "SELECT owner FROM by_pg WHERE n = $1", values: [n] };
    assert.deepEqual((await client.query(read)).rows, [{ owner: me }]);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
};

await pool.query("CREATE TABLE public.by_pg (id serial PRIMARY KEY, owner text, n int UNIQUE)");
await Promise.all(Array.from({ length: 60 }, (_, n) => write(n)));

const client = await pool.connect();
await client.query("BEGIN");
await client.query("INSERT INTO by_pg (owner, n) VALUES ($1, 1000)", [me]);
await assert.rejects(client.query("INSERT INTO by_pg (owner, n) VALUES ($1, 0)", [me]), { code: "23505" });
await client.query("ROLLBACK");
client.release();

const { rows } = await pool.query("SELECT count(*)::int AS n, min(owner) AS owner FROM by_pg");
assert.deepEqual(rows, [{ n: 60, owner: me }]);
await pool.end();
