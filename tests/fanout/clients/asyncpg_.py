"""asyncpg: every statement prepared, values in binary, types of the service's own looked up, its own reset."""

import asyncio
import os

import asyncpg


async def main():
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=1)
    for hours in range(3):
        async with pool.acquire() as db:
            rows = await db.fetch("SELECT mood, count(*) FROM todos WHERE hours > $1 GROUP BY 1 ORDER BY 1", hours)
            print([tuple(row) for row in rows])
    async with pool.acquire() as db:
        rows = await db.fetch("SELECT id, at, due, tags, mood, raw, weight, score, range FROM todos WHERE at BETWEEN '1900-01-01' AND '2100-01-01' AND due BETWEEN '1900-01-01' AND '2100-01-01' ORDER BY id LIMIT 25")
        print([tuple(row) for row in rows])
        async with db.transaction():
            async for row in db.cursor("SELECT id FROM todos ORDER BY id LIMIT 120", prefetch=50):
                print(row["id"])
        statement = await db.prepare("SELECT count(*) FROM todos WHERE mood = $1")
        print(statement.get_parameters(), statement.get_attributes(), await statement.fetchval("happy"))
        try:
            await db.fetch("SELECT nope FROM todos")
        except asyncpg.PostgresError as error:
            print(error.sqlstate)
        async with db.transaction(isolation="repeatable_read", readonly=True):
            print(await db.fetchval("SELECT sum(weight) FROM todos"))
    await pool.close()


asyncio.run(main())
