"""An ordinary program on psycopg2."""

import contextlib
import datetime
import decimal
import io
import os
import select
import threading
import time
import uuid as uuids

import psycopg2
import psycopg2.extras
import psycopg2.pool
from psycopg2 import errors, sql

from cases import URL, attempt, case, digest, run

MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=datetime.timezone.utc)


def ask(conn, statement, values=None):
    with conn.cursor() as cur:
        cur.execute(statement, values)
        return cur.fetchall() if cur.description else cur.statusmessage


def connect():
    conn = psycopg2.connect(URL)
    conn.autocommit = True
    return conn


@case
def create(conn):
    ask(conn, "CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy')")
    ask(conn, "CREATE TYPE public.address AS (street text, number int)")
    ask(conn, "CREATE TABLE public.people (id serial PRIMARY KEY, name text UNIQUE, feels mood)")
    yield ask(conn, "CREATE TABLE public.pets (id serial PRIMARY KEY, owner int REFERENCES public.people, name text)")


@case
def crud(conn):
    conn.autocommit = False
    with conn:
        with conn.cursor() as cur:
            psycopg2.extras.execute_values(
                cur, "INSERT INTO people (name, feels) VALUES %s RETURNING id", [("ann", "ok"), ("ben", "sad"), ("cid", None)]
            )
            yield cur.fetchall()
            psycopg2.extras.execute_batch(cur, "INSERT INTO pets (owner, name) VALUES (%s, %s)", [(1, "rex"), (2, "kit")])
            cur.executemany("INSERT INTO public.pets (owner, name) VALUES (%s, %s)", [(3, "tom"), (3, "ida")])
    with conn:
        yield ask(conn, "UPDATE people SET feels = 'happy' WHERE name = %s", ("ann",))
        yield ask(conn, "DELETE FROM public.pets WHERE name = %(name)s", {"name": "kit"})
    with conn, conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cur:
        cur.execute("SELECT p.name, q.name AS pet FROM people p JOIN pets q ON q.owner = p.id ORDER BY q.id")
        yield [dict(row) for row in cur]
    conn.autocommit = True


@case
def rollback(conn):
    conn.autocommit = False
    ask(conn, "DELETE FROM pets")
    yield ask(conn, "SELECT count(*) FROM pets")
    conn.rollback()
    yield ask(conn, "SELECT count(*) FROM pets")
    conn.commit()
    conn.set_session(isolation_level="SERIALIZABLE", readonly=True)
    yield ask(conn, "SHOW transaction_isolation")
    yield attempt(ask, conn, "DELETE FROM pets")
    conn.rollback()
    conn.set_session(isolation_level="DEFAULT", readonly="DEFAULT")
    conn.autocommit = True


@case
def unique_violation(conn):
    try:
        ask(conn, "INSERT INTO people (name) VALUES ('ann')")
    except errors.UniqueViolation as error:
        diag = error.diag
        yield f"{error.pgcode} {diag.message_primary} / {diag.message_detail}"
        yield f"{diag.schema_name}.{diag.table_name} {diag.constraint_name}"
    yield ask(conn, "SELECT 'still usable'")


@case
def prepared(conn):
    ask(conn, "PREPARE person (int) AS SELECT name FROM public.people WHERE id = $1")
    yield [ask(conn, "EXECUTE person (%s)", (n,)) for n in (1, 2, 3)]
    ask(conn, "DEALLOCATE person")
    yield attempt(ask, conn, "EXECUTE person (1)")


@case
def null(conn):
    yield ask(conn, "SELECT %s::text, %s IS NULL, NULL", (None, None))


@case
def arrays(conn):
    ask(conn, "CREATE TABLE arrays (ints int[], texts text[], nested int[][])")
    ask(conn, "INSERT INTO arrays VALUES (%s, %s, %s)", ([1, None, 3], ["a", "b,c", 'd"e', None, ""], [[1, 2], [3, 4]]))
    yield ask(conn, "SELECT * FROM arrays WHERE ints[1] = ANY(%s)", ([1, 2],))


@case
def jsonb(conn):
    ask(conn, "CREATE TABLE documents (doc jsonb)")
    ask(conn, "INSERT INTO documents VALUES (%s)", (psycopg2.extras.Json({"schema": "public", "a": [1, None], "ü": 1.5}),))
    yield ask(conn, "SELECT doc, doc ->> 'schema' FROM documents WHERE doc ? 'a'")


@case
def timestamptz(conn):
    yield ask(conn, "SELECT %s::timestamptz", (MOMENT,))[0][0].isoformat()
    ask(conn, "SET TIME ZONE 'Asia/Kathmandu'")
    yield ask(conn, "SELECT %s::timestamptz", (MOMENT,))[0][0].isoformat()
    yield conn.get_parameter_status("TimeZone")
    ask(conn, "SET TIME ZONE 'UTC'")


@case
def numeric(conn):
    yield ask(conn, "SELECT %s::numeric, %s::numeric(6, 2)", (decimal.Decimal("12345678901234567890.123456789"), decimal.Decimal("1.005")))


@case
def bytea(conn):
    value = bytes(range(256))
    ask(conn, "CREATE TABLE blobs (b bytea)")
    ask(conn, "INSERT INTO blobs VALUES (%s)", (psycopg2.Binary(value),))
    yield bytes(ask(conn, "SELECT b FROM blobs WHERE b = %s", (psycopg2.Binary(value),))[0][0]) == value


@case
def uuid(conn):
    psycopg2.extras.register_uuid(conn_or_curs=conn)
    yield ask(conn, "SELECT %s, uuid_nil()", (uuids.UUID("12345678-9abc-4def-8123-456789abcdef"),))


@case
def hstore_and_composite(conn):
    psycopg2.extras.register_hstore(conn)
    yield ask(conn, "SELECT %s::hstore, 'x=>1'::hstore -> 'x'", ({"a": "1", "b": None},))
    kind = psycopg2.extras.register_composite("public.address", conn)
    yield f"{kind.name} {kind.schema} {kind.attnames}"
    yield ask(conn, "SELECT ROW('Main', 5)::address")


@case
def introspection(conn):
    yield ask(conn, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 2")
    yield ask(conn, "SELECT column_name, data_type, udt_schema, udt_name, column_default FROM information_schema.columns"
                    " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position", ("public", "people"))
    yield ask(conn, "SELECT constraint_schema, constraint_name, constraint_type FROM information_schema.table_constraints"
                    " WHERE table_schema = 'public' AND constraint_name !~ 'not_null$' ORDER BY 2")
    with conn.cursor() as cur:
        cur.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier("public", "people")))
        yield [(column.name, column.type_code, column.table_column) for column in cur.description[:2]]


@case
def rows_100000(conn):
    with conn.cursor() as cur:
        cur.execute("SELECT n, 'row ' || n FROM generate_series(1, 100000) AS n")
        yield digest(cur)


@case
def parameter_5mb(conn):
    text = "ü5" * 1_750_000
    ask(conn, "CREATE TABLE large (t text, b bytea)")
    yield ask(conn, "INSERT INTO large (t) VALUES (%s)", (text,))
    yield ask(conn, "INSERT INTO public.large (b) VALUES (%s)", (psycopg2.Binary(b"\x00\x01" * 2_500_000),))
    yield ask(conn, "SELECT sum(length(t)), sum(octet_length(b)) FROM large")
    yield ask(conn, "SELECT t FROM large WHERE t IS NOT NULL")[0][0] == text


@case
def cursor(conn):
    conn.autocommit = False
    ask(conn, "CREATE TABLE numbers AS SELECT generate_series(0, 99) AS n")
    with conn.cursor("page") as cur:
        cur.itersize = 7
        cur.execute("SELECT n FROM public.numbers ORDER BY n")
        yield digest(cur)
    with conn.cursor("scrolled", scrollable=True) as cur:
        cur.execute("SELECT n FROM numbers ORDER BY n")
        cur.scroll(50, mode="absolute")
        yield cur.fetchone()
        cur.scroll(-10)
        yield cur.fetchmany(2)
    held = conn.cursor("held", withhold=True)
    held.execute("SELECT n FROM numbers ORDER BY n")
    conn.commit()
    yield held.fetchmany(3)
    held.close()
    conn.commit()
    conn.autocommit = True


@case
def statement_timeout(conn):
    ask(conn, "SET statement_timeout TO 50")
    yield attempt(ask, conn, "SELECT pg_sleep(10)")
    ask(conn, "SET statement_timeout TO DEFAULT")
    yield ask(conn, "SHOW statement_timeout")


@case
def cancel(conn):
    began = time.monotonic()
    timer = threading.Timer(0.5, conn.cancel)
    timer.start()
    yield attempt(ask, conn, "SELECT pg_sleep(30)")
    timer.join()
    yield f"soon: {time.monotonic() - began < 10}"
    yield ask(conn, "SELECT 'still usable'")


@case
def savepoint(conn):
    conn.autocommit = False
    ask(conn, "SAVEPOINT one")
    ask(conn, "INSERT INTO numbers VALUES (200)")
    ask(conn, "SAVEPOINT two")
    yield attempt(ask, conn, "SELECT 1 / 0")
    yield attempt(ask, conn, "SELECT 1")
    ask(conn, "ROLLBACK TO SAVEPOINT two")
    ask(conn, "RELEASE SAVEPOINT one")
    conn.commit()
    yield ask(conn, "SELECT n FROM numbers WHERE n >= 200")
    conn.commit()
    conn.autocommit = True


@case
def pool(conn):
    ask(conn, "CREATE TABLE counted (who int, n int)")
    connections = psycopg2.pool.ThreadedConnectionPool(10, 10, URL)

    def work(who):
        one = connections.getconn()
        for n in range(20):
            with one:
                ask(one, "INSERT INTO counted VALUES (%s, %s)", (who, n))
        connections.putconn(one)

    threads = [threading.Thread(target=work, args=(who,)) for who in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connections.closeall()
    yield ask(conn, "SELECT count(*), sum(who), sum(n) FROM counted")


@case
def notify(conn):
    ask(conn, "LISTEN news")
    with contextlib.closing(connect()) as other:
        ask(other, "NOTIFY news, 'first'")
        ask(other, "SELECT pg_notify('news', %s)", ("second",))
    while len(conn.notifies) < 2 and select.select([conn], [], [], 10)[0]:
        conn.poll()
    yield [(told.channel, told.payload) for told in conn.notifies]
    ask(conn, "UNLISTEN news")


@case
def advisory_lock(conn):
    with contextlib.closing(connect()) as other:
        ask(conn, "SELECT pg_advisory_lock(42)")
        yield ask(other, "SELECT pg_try_advisory_lock(42)")
        yield ask(conn, "SELECT pg_advisory_unlock(42)")
        yield ask(other, "SELECT pg_try_advisory_lock(42), pg_advisory_unlock(42)")


@case
def temp_table(conn):
    conn.autocommit = False
    ask(conn, "CREATE TEMPORARY TABLE scratch ON COMMIT DROP AS SELECT generate_series(1, 10) AS n")
    yield ask(conn, "SELECT sum(n) FROM scratch")
    conn.commit()
    yield attempt(ask, conn, "SELECT * FROM scratch")
    conn.rollback()
    conn.autocommit = True


@case
def copy(conn):
    ask(conn, "CREATE TABLE copied (n int, t text)")
    with conn.cursor() as cur:
        cur.copy_from(io.StringIO("".join(f"{n}\t\\N\n" for n in range(1000))), "copied")
        cur.copy_expert("COPY public.copied (n, t) FROM STDIN WITH CSV", io.StringIO('1000,"a,b"\n1001,public\n'))
        yield cur.rowcount
        out = io.StringIO()
        cur.copy_expert("COPY (SELECT * FROM public.copied ORDER BY n) TO STDOUT WITH CSV HEADER", out)
        yield digest(out.getvalue().splitlines())
        out = io.StringIO()
        cur.copy_to(out, "copied", columns=["t"])
        yield digest(out.getvalue().splitlines())
        yield attempt(cur.copy_expert, "COPY copied FROM STDIN", io.StringIO("x\ty\n"))
    yield ask(conn, "SELECT count(*) FROM copied")


@case
def large_object(conn):
    conn.autocommit = False
    large = conn.lobject(0, "wb")
    yield large.write(b"abc" * 100_000)
    large.close()
    conn.commit()
    large = conn.lobject(large.oid, "rb")
    large.seek(10)
    yield f"{large.read(5)} {large.tell()} {large.seek(0, 2)}"
    large.close()
    large.unlink()
    conn.commit()
    conn.autocommit = True


@case
def two_phase(conn):
    with contextlib.closing(psycopg2.connect(URL)) as other:
        # One server knows a name once, whatever the database.
        xid = other.xid(1, f"by {os.environ['PGUSER']}", "part")
        for ending in ("tpc_commit", "tpc_rollback"):
            other.tpc_begin(xid)
            ask(other, "INSERT INTO counted VALUES (1000, 0)")
            other.tpc_prepare()
            other.reset()
            yield xid.gtrid in [found.gtrid for found in other.tpc_recover()]
            other.reset()
            getattr(other, ending)(xid)
            yield ask(conn, "SELECT count(*) FROM counted WHERE who = 1000")


@case
def notices(conn):
    del conn.notices[:]
    ask(conn, "DO $$ BEGIN RAISE NOTICE 'hello'; END $$; DROP TABLE IF EXISTS public.never")
    yield conn.notices


@case
def several_statements(conn):
    yield ask(conn, "INSERT INTO counted VALUES (2000, 1); UPDATE public.counted SET n = 5 WHERE who = 2000; SELECT n FROM counted WHERE who = 2000")
    yield attempt(ask, conn, "INSERT INTO counted VALUES (3000, 1); SELECT 1 / 0")
    yield ask(conn, "SELECT count(*) FROM counted WHERE who = 3000")


@case
def reset(conn):
    ask(conn, "SET application_name TO 'mine'")
    yield ask(conn, "SHOW application_name")
    conn.reset()
    yield ask(conn, "SHOW application_name")
    yield f"{conn.encoding} {conn.server_version // 10000 >= 15} {conn.info.transaction_status}"


@case
def asynchronous(conn):
    one = psycopg2.connect(URL, async_=True)
    psycopg2.extras.wait_select(one)
    with one.cursor() as cur:
        cur.execute("SELECT count(*) FROM public.people")
        psycopg2.extras.wait_select(one)
        yield cur.fetchall()
    one.close()


run(f"psycopg2 {psycopg2.__version__.split()[0]}", connect)
