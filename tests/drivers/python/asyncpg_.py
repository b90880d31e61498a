"""An ordinary program on asyncpg."""

import asyncio
import datetime
import decimal
import io
import time
import uuid as uuids

import asyncpg

from cases import URL, case, digest, run_async, sqlstate

MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=datetime.timezone.utc)


async def attempt(waiting):
    try:
        await waiting
    except Exception as error:
        return f"{sqlstate(error)} {type(error).__name__}"
    return "done"


def rows(found):
    return [tuple(row) for row in found]


@case
async def create(conn):
    await conn.execute(
        """
        CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
        CREATE TYPE public.address AS (street text, number int);
        CREATE DOMAIN public.even AS int CHECK (value % 2 = 0);
        CREATE TABLE public.people (id serial PRIMARY KEY, name text UNIQUE, feels mood, home address, age even);
        CREATE TABLE public.pets (id serial PRIMARY KEY, owner int REFERENCES public.people (id), name text);
        """
    )


@case
async def crud(conn):
    async with conn.transaction():
        lines = [await conn.fetchval("INSERT INTO people (name, feels, age) VALUES ($1, $2, $3) RETURNING id", name, "ok", 2)
                 for name in ("ann", "ben", "cid")]
    await conn.executemany("INSERT INTO public.pets (owner, name) VALUES ($1, $2)", [(1, "rex"), (2, "kit"), (3, "tom")])
    lines.append(await conn.execute("UPDATE people SET feels = 'happy' WHERE id < $1", 3))
    lines.append(await conn.execute("DELETE FROM pets WHERE name = $1", "kit"))
    lines.append(rows(await conn.fetch("SELECT p.name, q.name, feels, age FROM people p LEFT JOIN public.pets q ON q.owner = p.id ORDER BY p.id")))
    lines.append(dict(await conn.fetchrow("SELECT * FROM people WHERE id = 1")))
    return lines


@case
async def rollback(conn):
    transaction = conn.transaction()
    await transaction.start()
    await conn.execute("DELETE FROM pets")
    lines = [await conn.fetchval("SELECT count(*) FROM pets")]
    await transaction.rollback()
    return [*lines, await conn.fetchval("SELECT count(*) FROM pets")]


@case
async def unique_violation(conn):
    lines = []
    try:
        await conn.execute("INSERT INTO people (name) VALUES ($1)", "ann")
    except asyncpg.UniqueViolationError as error:
        lines.append(f"{error.sqlstate} {error.message} / {error.detail}")
        lines.append(f"{error.schema_name}.{error.table_name} {error.constraint_name}")
    return [*lines, await attempt(conn.execute("INSERT INTO people (age) VALUES (3)")), await conn.fetchval("SELECT 'still usable'")]


@case
async def prepared(conn):
    statement = await conn.prepare("SELECT name, feels FROM public.people WHERE id = $1")
    lines = [(p.name, p.type.name if hasattr(p, "type") else p.schema) for p in statement.get_parameters()]
    lines += [(a.name, a.type.name, a.type.schema) for a in statement.get_attributes()]
    lines.append([tuple(await statement.fetchrow(n)) for n in (1, 2, 3)])
    for n in range(150):  # More than the cache of statements holds.
        assert await conn.fetchval(f"SELECT {n} + $1::int", 1) == n + 1
    lines.append(tuple(await statement.fetchrow(1)))
    await conn.execute("ALTER TABLE people ADD note text")
    lines.append(tuple(await conn.fetchrow("SELECT * FROM people WHERE id = $1", 2)))
    await conn.execute("ALTER TABLE people DROP note")
    lines.append(tuple(await conn.fetchrow("SELECT * FROM people WHERE id = $1", 2)))
    return lines


@case
async def binary(conn):
    return [tuple(await conn.fetchrow(
        "SELECT $1::int2, $2::int8, $3::float8, $4::text, $5::bool, $6::date, $7::inet, $8::int4range",
        7, 1 << 40, 0.1, "grün", True, MOMENT.date(), "10.0.0.1", asyncpg.Range(1, 5),
    ))]


@case
async def null(conn):
    return [tuple(await conn.fetchrow("SELECT $1::text, $2::int IS NULL, NULL", None, None))]


@case
async def arrays(conn):
    await conn.execute("CREATE TABLE arrays (ints int[], texts text[], nested int[][], moods mood[])")
    await conn.execute("INSERT INTO arrays VALUES ($1, $2, $3, $4)", [1, None, 3], ["a", "b,c", 'd"e', None, ""], [[1, 2], [3, 4]], ["ok"])
    return [rows(await conn.fetch("SELECT * FROM arrays WHERE ints[1] = ANY($1)", [1, 2]))]


@case
async def jsonb(conn):
    await conn.execute("CREATE TABLE documents (doc jsonb)")
    await conn.execute("INSERT INTO documents VALUES ($1)", '{"schema": "public", "a": [1, null]}')
    return [rows(await conn.fetch("SELECT doc, doc ->> 'schema' FROM documents"))]


@case
async def timestamptz(conn):
    found = await conn.fetchrow("SELECT $1::timestamptz, $2::timestamp, $3::interval", MOMENT, MOMENT.replace(tzinfo=None), datetime.timedelta(days=1, seconds=2))
    await conn.execute("SET TIME ZONE 'Asia/Kathmandu'")
    shown = await conn.fetchval("SELECT $1::timestamptz::text", MOMENT)
    told = conn.get_settings().TimeZone
    await conn.execute("RESET TIME ZONE")
    return [tuple(found), shown, told]


@case
async def numeric(conn):
    return [tuple(await conn.fetchrow("SELECT $1::numeric, $2::numeric(6, 2)", decimal.Decimal("12345678901234567890.123456789"), decimal.Decimal("1.005")))]


@case
async def bytea(conn):
    value = bytes(range(256))
    return [await conn.fetchval("SELECT $1::bytea", value) == value]


@case
async def uuid(conn):
    return [tuple(await conn.fetchrow("SELECT $1::uuid, uuid_nil()", uuids.UUID("12345678-9abc-4def-8123-456789abcdef")))]


@case
async def codecs(conn):
    await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=lambda text: ("decoded", text))
    await conn.set_type_codec("mood", schema="public", encoder=str, decoder=str.upper)
    lines = [tuple(await conn.fetchrow("SELECT '{\"a\": 1}'::jsonb, feels FROM public.people WHERE id = 1"))]
    lines.append(await conn.fetchval("SELECT $1::address", ("Main", 5)))
    lines.append(await conn.fetchval("SELECT array_agg(home) FROM (SELECT ROW('a', 1)::address AS home) AS x"))
    await conn.reset_type_codec("jsonb", schema="pg_catalog")
    await conn.reset_type_codec("mood", schema="public")
    await conn.reload_schema_state()
    return lines


@case
async def hstore(conn):
    await conn.set_builtin_type_codec("hstore", codec_name="pg_contrib.hstore")
    return [await conn.fetchval("SELECT $1::hstore", {"a": "1", "b": None})]


@case
async def introspection(conn):
    tables = await conn.fetch("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 2", "public")
    any_of = await conn.fetch("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = ANY($1) ORDER BY 2", ["public"])
    found = await conn.fetchrow("SELECT $1::regclass, $1::regclass::text, to_regclass($2)::text", "public.people", "public.pets")
    return [rows(tables), rows(any_of), tuple(found)[1:]]


@case
async def rows_100000(conn):
    found = await conn.fetch("SELECT n, 'row ' || n FROM generate_series(1, 100000) AS n")
    return [digest(map(tuple, found))]


@case
async def parameter_5mb(conn):
    await conn.execute("CREATE TABLE large (t text, b bytea)")
    text, blob = "x5" * 2_621_440, b"\x00\x01" * 2_621_440
    await conn.execute("INSERT INTO public.large VALUES ($1, $2)", text, blob)
    found = await conn.fetchrow("SELECT t, b FROM large")
    return [(len(found[0]), found[0] == text, found[1] == blob)]


@case
async def cursor(conn):
    await conn.execute("CREATE TABLE numbers AS SELECT generate_series(0, 99) AS n")
    async with conn.transaction():
        lines = [digest([row[0] async for row in conn.cursor("SELECT n FROM public.numbers ORDER BY n", prefetch=7)])]
        cur = await conn.cursor("SELECT n FROM numbers WHERE n >= $1 ORDER BY n", 10)
        await cur.forward(5)
        lines.append(rows(await cur.fetch(2)))
        lines.append(tuple(await cur.fetchrow()))
    return lines


@case
async def statement_timeout(conn):
    await conn.execute("SET statement_timeout = 50")
    lines = [await attempt(conn.fetch("SELECT pg_sleep(10)"))]
    await conn.execute("SET statement_timeout = 0")
    lines.append(await attempt(conn.fetch("SELECT pg_sleep(10)", timeout=0.1)))
    return [*lines, await conn.fetchval("SELECT 'still usable'")]


@case
async def cancel(conn):
    began = time.monotonic()
    task = asyncio.create_task(conn.fetch("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.5)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    return [await conn.fetchval("SELECT 'still usable'"), f"soon: {time.monotonic() - began < 10}"]


@case
async def savepoint(conn):
    async with conn.transaction(isolation="repeatable_read"):
        await conn.execute("INSERT INTO numbers VALUES (200)")
        try:
            async with conn.transaction():
                await conn.execute("INSERT INTO numbers VALUES (201)")
                await conn.execute("SELECT 1 / 0")
        except asyncpg.DivisionByZeroError as error:
            lines = [error.sqlstate]
        async with conn.transaction():
            await conn.execute("INSERT INTO numbers VALUES (202)")
    return [*lines, rows(await conn.fetch("SELECT n FROM numbers WHERE n >= 200 ORDER BY n"))]


@case
async def pool(conn):
    await conn.execute("CREATE TABLE counted (who int, n int)")
    async with asyncpg.create_pool(URL, min_size=10, max_size=10) as connections:

        async def work(who):
            for n in range(20):
                async with connections.acquire() as one, one.transaction():
                    await one.execute("INSERT INTO counted VALUES ($1, $2)", who, n)

        await asyncio.gather(*(work(who) for who in range(10)))
        lines = [tuple(await connections.fetchrow("SELECT count(*), sum(who), sum(n) FROM counted"))]
        async with connections.acquire() as one:
            await one.execute("SET application_name = 'mine'")
            await one.execute("SELECT pg_advisory_lock(1)")
            await one.add_listener("news", print)
            await one.remove_listener("news", print)
        lines.append(await connections.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"))
    return lines


@case
async def notify(conn):
    heard, done = [], asyncio.Event()

    def hear(_, pid, channel, payload):
        heard.append((channel, payload))
        if len(heard) == 2:
            done.set()

    await conn.add_listener("news", hear)
    other = await asyncpg.connect(URL)
    await other.execute("NOTIFY news, 'first'")
    await other.execute("SELECT pg_notify('news', $1)", "second")
    await asyncio.wait_for(done.wait(), 10)
    await other.close()
    await conn.remove_listener("news", hear)
    return [heard]


@case
async def advisory_lock(conn):
    other = await asyncpg.connect(URL)
    await conn.execute("SELECT pg_advisory_lock(42)")
    lines = [await other.fetchval("SELECT pg_try_advisory_lock(42)"), await conn.fetchval("SELECT pg_advisory_unlock(42)"),
             await other.fetchval("SELECT pg_try_advisory_lock(42)")]
    await other.close()
    return lines


@case
async def temp_table(conn):
    await conn.execute("CREATE TEMP TABLE scratch (n int)")
    await conn.copy_records_to_table("scratch", records=[(n,) for n in range(10)])
    lines = [await conn.fetchval("SELECT sum(n) FROM scratch")]
    await conn.reset()
    return [*lines, await conn.fetchval("SELECT count(*) FROM scratch")]


@case
async def copy(conn):
    await conn.execute("CREATE TABLE public.copied (n int, t text, m mood)")
    records = [(n, None if n % 2 else f"row {n}", "ok") for n in range(1000)]
    lines = [await conn.copy_records_to_table("copied", records=records, schema_name="public")]
    lines.append(await conn.copy_to_table("copied", source=io.BytesIO(b"1000,x,sad\n"), format="csv", schema_name="public"))
    out = io.BytesIO()
    lines.append(await conn.copy_from_query("SELECT * FROM public.copied WHERE n > $1 ORDER BY n", 500, output=out, format="csv"))
    lines.append(digest(out.getvalue().splitlines()))
    out = io.BytesIO()
    lines.append(await conn.copy_from_table("copied", output=out, schema_name="public", format="binary"))
    return [*lines, len(out.getvalue())]


@case
async def notices(conn):
    heard = []
    conn.add_log_listener(lambda _, message: heard.append(f"{message.sqlstate} {message.message}"))
    await conn.execute("DO $$ BEGIN RAISE NOTICE 'hello'; END $$; DROP TABLE IF EXISTS public.never")
    await asyncio.sleep(0)
    return [heard]


def connect():
    return asyncpg.connect(URL, server_settings={"application_name": "mine", "search_path": "public"})


asyncio.run(run_async(f"asyncpg {asyncpg.__version__}", connect))
