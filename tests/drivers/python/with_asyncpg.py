"""An ordinary program on an asyncpg pool: DATABASE_URL says where, the first argument whose rows it writes."""

import asyncio
import os
import sys

import asyncpg

me = sys.argv[1]


async def write(pool, n):
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("INSERT INTO by_asyncpg (owner, n) VALUES ($1, $2)", me, n)
        assert await conn.fetchval("SELECT owner FROM by_asyncpg WHERE n = $1", n) == me


async def main():
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=4) as pool:
        await pool.execute("CREATE TABLE public.by_asyncpg (id serial PRIMARY KEY, owner text, n int UNIQUE)")
        await asyncio.gather(*(write(pool, n) for n in range(40)))
        async with pool.acquire() as conn:
            records = [(me, n) for n in range(40, 60)]
            await conn.copy_records_to_table("by_asyncpg", records=records, columns=["owner", "n"])
            try:
                async with conn.transaction():
                    await conn.execute("INSERT INTO by_asyncpg (owner, n) VALUES ($1, 1000)", me)
                    await conn.execute("INSERT INTO by_asyncpg (owner, n) VALUES ($1, 0)", me)
            except asyncpg.UniqueViolationError:
                pass
            else:
                sys.exit("a duplicate was taken")
            async with conn.transaction():
                numbers = [row["n"] async for row in conn.cursor("SELECT n FROM by_asyncpg ORDER BY n", prefetch=7)]
            assert numbers == list(range(60))
            statement = await conn.prepare("SELECT count(*) FROM by_asyncpg WHERE owner = $1")
            assert await statement.fetchval(me) == 60
        counts = await asyncio.gather(*(pool.fetchval("SELECT count(*) FROM by_asyncpg") for _ in range(20)))
        assert set(counts) == {60}


asyncio.run(main())
