"""An ordinary program on pg8000, a driver in nothing but Python."""

import contextlib
import datetime
import decimal
import io
import os
import uuid as uuids

import pg8000.dbapi
import pg8000.native

from importlib.metadata import version

from cases import case, digest, run

MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=datetime.timezone.utc)


def connect(module=pg8000.native):
    make = getattr(module, "Connection", None) or module.connect
    if module is pg8000.dbapi:
        make = module.connect
    return make(user=os.environ["PGUSER"], password=os.environ["PGPASSWORD"], host=os.environ["PGHOST"],
                port=int(os.environ["PGPORT"]), database=os.environ["PGDATABASE"])


def refused(conn, statement, **values):
    """The fields of the error that a statement ends with."""
    try:
        conn.run(statement, **values)
    except pg8000.native.DatabaseError as error:
        return {name: error.args[0].get(name) for name in "CMDst"}
    return "done"


@case
def create(conn):
    conn.run("CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy')")
    conn.run("CREATE TABLE public.people (id serial PRIMARY KEY, name text UNIQUE, feels mood)")
    conn.run("CREATE TABLE pets (id serial PRIMARY KEY, owner int REFERENCES public.people, name text)")


@case
def crud(conn):
    conn.run("START TRANSACTION")
    for name in ("ann", "ben", "cid"):
        yield conn.run("INSERT INTO people (name, feels) VALUES (:name, 'ok') RETURNING id", name=name)
    conn.run("COMMIT")
    conn.run("UPDATE public.people SET feels = :f WHERE id < :id", f="happy", id=3)
    yield conn.row_count
    yield conn.run("SELECT * FROM people ORDER BY id")
    yield [(column["name"], column["type_oid"] if column["type_oid"] < 16384 else "own") for column in conn.columns]


@case
def rollback(conn):
    conn.run("BEGIN")
    conn.run("DELETE FROM people")
    conn.run("ROLLBACK")
    yield conn.run("SELECT count(*) FROM people")


@case
def unique_violation(conn):
    yield refused(conn, "INSERT INTO public.people (name) VALUES (:name)", name="ann")
    yield refused(conn, "INSERT INTO pets (owner) VALUES (99)")
    yield conn.run("SELECT 'still usable'")


@case
def prepared(conn):
    statement = conn.prepare("SELECT name FROM public.people WHERE id = :id")
    yield [statement.run(id=n) for n in (1, 2, 3)]
    statement.close()


@case
def types(conn):
    values = {
        "arrays": [1, None, 3], "texts": ["a", "b,c", 'd"e', ""], "timestamptz": MOMENT, "numeric": decimal.Decimal("12345678901234567890.123456789"),
        "bytea": bytes(range(256)), "uuid": uuids.UUID("12345678-9abc-4def-8123-456789abcdef"), "null": None, "int": 1 << 40, "bool": True,
    }
    kinds = {"arrays": "int[]", "texts": "text[]", "null": "text", "int": "int8"}
    for name, value in values.items():
        found = conn.run(f"SELECT CAST(:v AS {kinds.get(name, name)})", v=value)[0][0]
        yield f"{name} {found == value}"
    conn.run("CREATE TABLE documents (doc jsonb)")
    conn.run("INSERT INTO documents VALUES (:doc)", doc={"schema": "public", "a": [1, None]})
    yield conn.run("SELECT doc, doc ->> 'schema' FROM public.documents")


@case
def introspection(conn):
    yield conn.run("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = :schema ORDER BY 2", schema="public")
    yield conn.run("SELECT typname, nspname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE typname = :name", name="mood")


@case
def rows_100000(conn):
    yield digest(map(tuple, conn.run("SELECT n, 'row ' || n FROM generate_series(1, 100000) AS n")))


@case
def parameter_5mb(conn):
    conn.run("CREATE TABLE large (t text)")
    text = "x5" * 2_621_440
    conn.run("INSERT INTO public.large VALUES (:t)", t=text)
    yield conn.run("SELECT t FROM large")[0][0] == text


@case
def cursor(conn):
    conn.run("BEGIN")
    conn.run("DECLARE page CURSOR FOR SELECT generate_series(1, 100)")
    yield [len(conn.run("FETCH FORWARD 7 FROM page")) for _ in range(15)]
    conn.run("COMMIT")


@case
def statement_timeout(conn):
    conn.run("SET statement_timeout TO 50")
    yield refused(conn, "SELECT pg_sleep(10)")
    conn.run("RESET statement_timeout")
    yield conn.run("SHOW statement_timeout")


@case
def savepoint(conn):
    conn.run("BEGIN")
    conn.run("SAVEPOINT one")
    yield refused(conn, "SELECT 1 / 0")
    conn.run("ROLLBACK TO SAVEPOINT one")
    conn.run("INSERT INTO pets (owner, name) VALUES (1, 'rex')")
    conn.run("COMMIT")
    yield conn.run("SELECT name FROM pets")


@case
def notify(conn):
    conn.run("LISTEN news")
    with contextlib.closing(connect()) as other:
        other.run("NOTIFY news, 'first'")
    conn.run("SELECT 1")
    yield [(channel, payload) for _, channel, payload in conn.notifications]
    conn.run("UNLISTEN news")


@case
def copy(conn):
    conn.run("CREATE TABLE copied (n int, t text)")
    conn.run("COPY public.copied FROM STDIN WITH (FORMAT CSV)", stream=io.StringIO("".join(f"{n},row {n}\n" for n in range(1000))))
    yield conn.row_count
    out = io.BytesIO()
    conn.run("COPY (SELECT * FROM copied ORDER BY n) TO STDOUT", stream=out)
    yield digest(out.getvalue().splitlines())


@case
def notices(conn):
    conn.notices.clear()
    conn.run("DROP TABLE IF EXISTS public.never")
    yield [(notice[b"C"], notice[b"M"]) for notice in conn.notices]
    yield {name: conn.parameter_statuses[name] for name in ("client_encoding", "standard_conforming_strings", "TimeZone", "is_superuser")}


@case
def dbapi(_):
    with contextlib.closing(connect(pg8000.dbapi)) as conn:
        cur = conn.cursor()
        cur.executemany("INSERT INTO public.pets (owner, name) VALUES (%s, %s)", [(2, "tom"), (3, "kit")])
        conn.commit()
        cur.execute("SELECT name FROM pets WHERE owner > %s ORDER BY id", (1,))
        yield cur.fetchall()
        cur.execute("DELETE FROM pets")
        conn.rollback()
        cur.execute("SELECT count(*) FROM pets")
        yield cur.fetchone()
        xid = conn.xid(1, f"by {os.environ['PGUSER']}", "part")
        conn.rollback()
        conn.tpc_begin(xid)
        cur.execute("INSERT INTO pets (owner, name) VALUES (1, 'two')")
        conn.tpc_prepare()
        conn.tpc_commit(xid)
        cur.execute("SELECT count(*) FROM pets")
        yield cur.fetchone()


run(f"pg8000 {version('pg8000')}", connect)
