"""An ordinary program on psycopg 3."""

import asyncio
import contextlib
import datetime
import decimal
import os
import threading
import time
import uuid

import psycopg
import psycopg_pool
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.enum import EnumInfo
from psycopg.types.json import Jsonb

from cases import URL, attempt, case, digest, run, sqlstate

MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=datetime.timezone.utc)
SOME_ID = uuid.UUID("12345678-9abc-4def-8123-456789abcdef")


@case
def create(conn):
    conn.execute("CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy')")
    conn.execute("CREATE TYPE address AS (street text, number int)")
    conn.execute("CREATE TABLE public.people (id serial PRIMARY KEY, name text NOT NULL UNIQUE, feels mood)")
    conn.execute(
        "CREATE TABLE public.pets (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " owner int NOT NULL REFERENCES public.people (id) ON DELETE CASCADE, name text)"
    )
    conn.execute("CREATE INDEX pets_by_name ON public.pets (lower(name))")
    conn.execute("CREATE VIEW public.names AS SELECT p.name AS person, q.name AS pet FROM people p JOIN pets q ON q.owner = p.id")


@case
def crud(conn):
    with conn.transaction():
        for name in ("ann", "ben", "cid"):
            row = conn.execute("INSERT INTO people (name, feels) VALUES (%s, 'ok') RETURNING id", (name,)).fetchone()
            yield f"inserted {row}"
    with conn.cursor() as cur:
        cur.executemany("INSERT INTO public.pets (owner, name) VALUES (%s, %s)", [(1, "rex"), (1, "tom"), (2, "kit")])
        yield f"executemany {cur.rowcount}"
    yield f"updated {conn.execute('UPDATE people SET feels = %s WHERE name < %s', ('happy', 'c')).rowcount}"
    yield f"deleted {conn.execute('DELETE FROM pets WHERE name = %s', ('kit',)).rowcount}"
    with conn.cursor(row_factory=dict_row) as cur:
        yield cur.execute("SELECT * FROM public.names ORDER BY pet").fetchall()
    yield conn.execute("SELECT * FROM people ORDER BY id").fetchall()


@case
def rollback(conn):
    try:
        with conn.transaction():
            conn.execute("DELETE FROM pets")
            yield conn.execute("SELECT count(*) FROM pets").fetchone()
            raise psycopg.Rollback
    except psycopg.Rollback:
        pass
    yield conn.execute("SELECT count(*) FROM pets").fetchone()


@case
def unique_violation(conn):
    try:
        conn.execute("INSERT INTO public.people (name) VALUES ('ann')")
    except psycopg.errors.UniqueViolation as error:
        diag = error.diag
        yield f"{diag.sqlstate} {diag.message_primary} / {diag.message_detail}"
        yield f"{diag.schema_name}.{diag.table_name} {diag.constraint_name} {diag.severity}"
    try:
        conn.execute("INSERT INTO pets (owner, name) VALUES (99, 'x')")
    except psycopg.errors.ForeignKeyViolation as error:
        yield f"{error.sqlstate} {error.diag.message_detail}"
    yield conn.execute("SELECT 'still usable'").fetchone()


@case
def syntax_error(conn):
    try:
        conn.execute("SELECT * FROM public.people WHERE nmae = %s", ("ann",))
    except psycopg.Error as error:
        yield f"{error.sqlstate} {error.diag.message_primary} at {error.diag.statement_position}"
    try:
        conn.execute("SELECT * FROM public.nothing")
    except psycopg.Error as error:
        yield f"{error.sqlstate} {error.diag.message_primary} at {error.diag.statement_position}"


@case
def prepared(conn):
    for n in range(12):  # From the sixth time on psycopg prepares by itself.
        found = conn.execute("SELECT name FROM public.people WHERE id = %s", (n % 3 + 1,)).fetchone()
    yield found
    yield [conn.execute("SELECT %s::int + 1", (n,), prepare=True).fetchone()[0] for n in range(5)]
    conn.execute("ALTER TABLE people ADD note text")
    yield conn.execute("SELECT * FROM people WHERE id = %s", (1,), prepare=True).fetchone()
    conn.execute("ALTER TABLE people DROP note")
    yield attempt(lambda: conn.execute("SELECT * FROM people WHERE id = %s", (1,), prepare=True))
    yield conn.execute("SELECT * FROM people WHERE id = %s", (1,)).fetchone()


@case
def binary(conn):
    with conn.cursor(binary=True) as cur:
        row = cur.execute(
            "SELECT %b::int4, %b::int8, %b::float8, %b::text, %b::bytea, %b::bool, %b::date",
            (7, 1 << 40, 0.1, "grün", b"\x00\xff", True, MOMENT.date()),
        ).fetchone()
        yield row
        yield cur.execute("SELECT %b::int[], %b::jsonb, %b::uuid", ([1, 2, 3], Jsonb({"a": 1}), SOME_ID)).fetchone()


@case
def null(conn):
    yield conn.execute("SELECT %s::text, %s::int, %s::text IS NULL, NULL", (None, None, None)).fetchone()


@case
def arrays(conn):
    conn.execute("CREATE TABLE arrays (ints int[], texts text[], nested int[][])")
    values = ([1, None, 3], ["a", "b,c", 'd"e', None, ""], [[1, 2], [3, 4]])
    conn.execute("INSERT INTO arrays VALUES (%s, %s, %s)", values)
    yield conn.execute("SELECT * FROM arrays").fetchone()
    yield conn.execute("SELECT * FROM arrays WHERE 3 = ANY(ints) AND texts @> %s", (["a"],)).fetchone() is not None
    yield conn.execute("SELECT id FROM people WHERE id = ANY(%s) ORDER BY id", ([1, 3],)).fetchall()


@case
def jsonb(conn):
    value = {"a": [1, 2, {"b": None}], "schema": "public", "ü": 1.5}
    conn.execute("CREATE TABLE documents (doc jsonb)")
    conn.execute("INSERT INTO documents VALUES (%s)", (Jsonb(value),))
    yield conn.execute("SELECT doc, doc -> 'a' -> 2, doc ->> 'schema' FROM documents").fetchone()


@case
def timestamptz(conn):
    yield conn.execute("SELECT %s::timestamptz", (MOMENT,)).fetchone()[0].isoformat()
    conn.execute("SET TimeZone TO 'Asia/Kathmandu'")
    yield conn.execute("SELECT %s::timestamptz", (MOMENT,)).fetchone()[0].isoformat()
    yield f"{conn.info.timezone} {conn.execute('SHOW TimeZone').fetchone()}"
    conn.execute("SET TimeZone TO 'UTC'")
    yield conn.execute("SELECT %s::interval", (datetime.timedelta(days=1, seconds=2),)).fetchone()


@case
def numeric(conn):
    yield conn.execute(
        "SELECT %s::numeric, %s::numeric(6, 2), 'NaN'::numeric",
        (decimal.Decimal("12345678901234567890.123456789"), decimal.Decimal("1.005")),
    ).fetchone()


@case
def bytea(conn):
    value = bytes(range(256))
    conn.execute("CREATE TABLE blobs (b bytea)")
    conn.execute("INSERT INTO blobs VALUES (%s)", (value,))
    yield conn.execute("SELECT b FROM blobs").fetchone()[0] == value
    yield conn.execute("SELECT b FROM blobs WHERE b = %s", (value,)).fetchone() is not None


@case
def uuids(conn):
    yield conn.execute("SELECT %s::uuid, uuid_nil()", (SOME_ID,)).fetchone()


uuids.__name__ = "uuid"


@case
def enum_and_composite(conn):
    info = EnumInfo.fetch(conn, "mood")
    yield f"{info.name} {info.labels}"
    info = CompositeInfo.fetch(conn, sql.Identifier("public", "address"))
    yield f"{info.name} {info.field_names}"
    register_composite(info, conn)
    yield conn.execute("SELECT %s::address", (info.python_type("Main", 5),)).fetchone()


@case
def introspection(conn):
    yield conn.execute(
        "SELECT table_schema, table_name, table_type FROM information_schema.tables"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
    ).fetchall()
    yield conn.execute(
        "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'v', 'S', 'i') ORDER BY 1, 2", ("public",)
    ).fetchall()
    yield conn.execute("SELECT 'people'::regclass::text, 'public.pets'::regclass::text").fetchone()
    yield conn.execute("SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
                       " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2").fetchall()
    yield conn.execute("SELECT schemaname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 2").fetchall()
    yield conn.execute("SELECT pg_get_viewdef('names'::regclass), pg_get_serial_sequence('public.people', 'id')").fetchall()


@case
def schemas(conn):
    yield conn.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1").fetchall()
    yield conn.execute("SELECT schema_name FROM information_schema.schemata WHERE schema_name !~ '^pg_' ORDER BY 1").fetchall()
    yield conn.execute("SELECT current_schema(), current_schemas(false)").fetchone()


@case
def search_path(conn):
    yield conn.execute("SHOW search_path").fetchone()
    yield conn.execute("SELECT current_setting('search_path')").fetchone()
    yield conn.execute("SELECT setting, boot_val FROM pg_settings WHERE name = 'search_path'").fetchone()


@case
def rows_100000(conn):
    with conn.cursor() as cur:
        yield digest(cur.execute("SELECT n, 'row ' || n FROM generate_series(1, 100000) AS n"))
        yield digest(cur.stream("SELECT n FROM generate_series(1, 100000) AS n"))


@case
def parameter_5mb(conn):
    text, blob = "ü5" * 2_500_000, b"\x00\x01\x02\x03" * 1_250_000
    conn.execute("CREATE TABLE large (t text, b bytea)")
    conn.execute("INSERT INTO large VALUES (%s, %s)", (text[: 5 << 20], blob))
    yield conn.execute("SELECT length(t), octet_length(b) FROM large").fetchone()
    found = conn.execute("SELECT t, b FROM large").fetchone()
    yield f"{found[0] == text[: 5 << 20]} {found[1] == blob}"


@case
def pipeline(conn):
    conn.execute("CREATE TABLE piped (n int PRIMARY KEY)")
    with conn.pipeline() as pipe:
        with conn.transaction():
            for n in range(100):
                conn.execute("INSERT INTO piped VALUES (%s)", (n,))
        cursors = [conn.execute("SELECT n FROM public.piped WHERE n = %s", (n,)) for n in range(100)]
        pipe.sync()
        yield sum(cur.fetchone()[0] for cur in cursors)
    try:
        with conn.pipeline():
            conn.execute("INSERT INTO piped VALUES (1000)")
            conn.execute("INSERT INTO piped VALUES (1)")
            conn.execute("INSERT INTO piped VALUES (1001)")
    except psycopg.Error as error:
        yield sqlstate(error)
    yield conn.execute("SELECT count(*) FROM piped").fetchone()


@case
def cursor(conn):
    with conn.transaction(), conn.cursor(name="page") as cur:
        cur.itersize = 7
        cur.execute("SELECT n FROM public.piped ORDER BY n")
        yield digest(cur)
    with conn.transaction(), conn.cursor(name="scrolled", scrollable=True) as cur:
        cur.execute("SELECT n FROM piped ORDER BY n")
        cur.scroll(50, mode="absolute")
        yield cur.fetchone()
        cur.scroll(-10)
        yield cur.fetchmany(2)
    cur = conn.cursor(name="held", withhold=True)
    with conn.transaction():
        cur.execute("SELECT n FROM piped ORDER BY n")
    yield cur.fetchmany(3)
    cur.close()


@case
def statement_timeout(conn):
    conn.execute("SET statement_timeout = '50ms'")
    yield attempt(conn.execute, "SELECT pg_sleep(10)")
    conn.execute("RESET statement_timeout")
    yield conn.execute("SHOW statement_timeout").fetchone()
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = '50ms'")
        yield attempt(conn.execute, "SELECT pg_sleep(10)")
    yield conn.execute("SHOW statement_timeout").fetchone()


@case
def cancel(conn):
    began = time.monotonic()
    timer = threading.Timer(0.5, conn.cancel_safe)
    timer.start()
    yield attempt(conn.execute, "SELECT pg_sleep(30)")
    timer.join()
    yield f"soon: {time.monotonic() - began < 10}"
    yield conn.execute("SELECT 'still usable'").fetchone()


@case
def savepoint(conn):
    with conn.transaction():
        conn.execute("INSERT INTO piped VALUES (200)")
        try:
            with conn.transaction("inner"):
                conn.execute("INSERT INTO piped VALUES (201)")
                conn.execute("INSERT INTO piped VALUES (200)")
        except psycopg.errors.UniqueViolation as error:
            yield error.sqlstate
        with conn.transaction():
            conn.execute("INSERT INTO piped VALUES (202)")
    yield conn.execute("SELECT n FROM piped WHERE n >= 200 ORDER BY n").fetchall()


@case
def pool(conn):
    conn.execute("CREATE TABLE counted (who int, n int)")
    with psycopg_pool.ConnectionPool(URL, min_size=10, max_size=10, open=True) as connections:
        connections.wait(20)

        def work(who):
            for n in range(20):
                with connections.connection() as one:
                    one.execute("INSERT INTO counted VALUES (%s, %s)", (who, n))

        threads = [threading.Thread(target=work, args=(who,)) for who in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    yield conn.execute("SELECT count(*), sum(who), sum(n) FROM counted").fetchone()


@case
def notify(conn):
    conn.execute("LISTEN news")
    with psycopg.connect(URL, autocommit=True) as other:
        other.execute("NOTIFY news, 'first'")
        with other.transaction():
            other.execute("SELECT pg_notify('news', %s)", ("second",))
    yield [(told.channel, told.payload) for told in conn.notifies(timeout=10, stop_after=2)]
    conn.execute("UNLISTEN *")


@case
def advisory_lock(conn):
    with psycopg.connect(URL, autocommit=True) as other:
        yield conn.execute("SELECT pg_advisory_lock(42)").fetchone()
        conn.execute("SELECT 1")
        yield other.execute("SELECT pg_try_advisory_lock(42)").fetchone()
        yield conn.execute("SELECT pg_advisory_unlock(42)").fetchone()
        yield other.execute("SELECT pg_try_advisory_lock(42), pg_advisory_unlock(42)").fetchone()


@case
def temp_table(conn):
    conn.execute("CREATE TEMP TABLE scratch (n int)")
    conn.execute("INSERT INTO scratch SELECT generate_series(1, 10)")
    yield conn.execute("SELECT sum(n) FROM scratch").fetchone()
    yield conn.execute("SELECT sum(n) FROM pg_temp.scratch").fetchone()
    conn.execute("DROP TABLE scratch")


@case
def copy(conn):
    conn.execute("CREATE TABLE copied (n int, t text)")
    with conn.cursor() as cur:
        with cur.copy("COPY public.copied (n, t) FROM STDIN") as to:
            for n in range(1000):
                to.write_row((n, f"row\t{n}" if n % 2 else None))
        yield cur.rowcount
        with cur.copy("COPY copied FROM STDIN (FORMAT BINARY)") as to:
            to.set_types(["int4", "text"])
            for n in range(1000, 2000):
                to.write_row((n, "binary"))
        with cur.copy("COPY (SELECT * FROM public.copied ORDER BY n) TO STDOUT") as out:
            yield digest(out.rows())
        try:
            with cur.copy("COPY copied FROM STDIN") as to:
                to.write("not a number\tx\n")
        except psycopg.Error as error:
            yield f"{error.sqlstate} {error.diag.message_primary} {error.diag.context}"
    yield conn.execute("SELECT count(*) FROM copied").fetchone()


@case
def large_object(conn):
    with conn.transaction():
        oid = conn.execute("SELECT lo_from_bytea(0, %s)", (b"abc" * 100,)).fetchone()[0]
        fd = conn.execute("SELECT lo_open(%s, 393216)", (oid,)).fetchone()[0]
        yield conn.execute("SELECT loread(%s, 5)", (fd,)).fetchone()
    yield conn.execute("SELECT octet_length(lo_get(%s)), lo_unlink(%s)", (oid, oid)).fetchone()


@case
def notices(conn):
    heard = []
    conn.add_notice_handler(lambda diag: heard.append(f"{diag.severity} {diag.sqlstate} {diag.message_primary}"))
    conn.execute("DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'there'; END $$")
    conn.execute("CREATE TABLE IF NOT EXISTS public.people (id int)")
    conn.execute("DROP TABLE IF EXISTS public.never")
    yield heard


@case
def session(conn):
    with psycopg.connect(URL, options="-c application_name=mine -c search_path=public", autocommit=True) as other:
        yield other.execute("SHOW application_name").fetchone()
        yield other.execute("SHOW search_path").fetchone()
        yield other.execute("SELECT count(*) FROM people").fetchone()
        yield f"{other.info.encoding} {other.info.parameter_status('standard_conforming_strings')}"
    yield conn.execute("SET search_path TO public, pg_catalog").statusmessage
    yield conn.execute("SHOW search_path").fetchone()
    conn.execute("RESET search_path")
    yield conn.execute("SHOW search_path").fetchone()


@case
def two_phase(conn):
    name = f"by {os.environ['PGUSER']}"  # One server knows a name once, whatever the database.
    for ending in ("tpc_commit", "tpc_rollback"):
        with contextlib.closing(psycopg.connect(URL)) as other:
            other.tpc_begin(name)
            other.execute("INSERT INTO counted VALUES (1000, 0)")
            other.tpc_prepare()
        with contextlib.closing(psycopg.connect(URL)) as other:
            getattr(other, ending)(name)
        yield conn.execute("SELECT count(*) FROM counted WHERE who = 1000").fetchone()


@case
def asynchronous(conn):
    async def work():
        lines = []
        async with await psycopg.AsyncConnection.connect(URL, autocommit=True) as one:
            async with one.transaction():
                await one.execute("INSERT INTO people (name) VALUES (%s)", ("dan",))
            async with one.pipeline():
                cursors = [await one.execute("SELECT name FROM people WHERE id = %s", (n,)) for n in (1, 2, 3)]
                lines.append([await cur.fetchone() for cur in cursors])
            async with one.transaction(), one.cursor(name="paged") as cur:
                await cur.execute("SELECT n FROM copied ORDER BY n")
                lines.append(digest([row async for row in cur]))
            task = asyncio.create_task(one.execute("SELECT pg_sleep(30)"))
            await asyncio.sleep(0.5)
            await one.cancel_safe()
            try:
                await task
            except psycopg.Error as error:
                lines.append(error.sqlstate)
        async with psycopg_pool.AsyncConnectionPool(URL, min_size=10, max_size=10, open=False) as connections:
            async def ask(n):
                async with connections.connection() as one:
                    return (await (await one.execute("SELECT %s::int", (n,))).fetchone())[0]
            lines.append(sum(await asyncio.gather(*(ask(n) for n in range(50)))))
        return lines

    return asyncio.run(work())


run(f"psycopg {psycopg.__version__}", lambda: psycopg.connect(URL, autocommit=True))
