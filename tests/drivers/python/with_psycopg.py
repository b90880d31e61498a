"""An ordinary program on psycopg 3: DATABASE_URL says where, the first argument whose rows it writes."""

import os
import sys

import psycopg

me = sys.argv[1]

with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as conn:
    conn.execute("CREATE TABLE public.by_psycopg (id serial PRIMARY KEY, owner text NOT NULL, n int UNIQUE)")
    with conn.transaction():
        for n in range(20):
            conn.execute("INSERT INTO by_psycopg (owner, n) VALUES (%s, %s)", (me, n))
    with conn.cursor() as cur:
        cur.executemany("INSERT INTO by_psycopg (owner, n) VALUES (%s, %s)", [(me, n) for n in range(20, 40)])
        with cur.copy("COPY by_psycopg (owner, n) FROM STDIN") as copy:
            for n in range(40, 60):
                copy.write_row((me, n))
    try:
        with conn.transaction():
            conn.execute("INSERT INTO by_psycopg (owner, n) VALUES (%s, 1000)", (me,))
            conn.execute("INSERT INTO by_psycopg (owner, n) VALUES (%s, 0)", (me,))
    except psycopg.errors.UniqueViolation:
        pass
    else:
        sys.exit("a duplicate was taken")
    with conn.pipeline():
        cursors = [conn.execute("SELECT owner FROM by_psycopg WHERE n = %s", (n,)) for n in range(60)]
    assert [cur.fetchone() for cur in cursors] == [(me,)] * 60
    for _ in range(12):  # From the sixth time on psycopg uses a prepared statement.
        assert conn.execute("SELECT count(*) FROM by_psycopg WHERE owner = %s", (me,)).fetchone() == (60,)
    with conn.transaction(), conn.cursor(name="page") as cur:
        cur.itersize = 7
        cur.execute("SELECT n FROM by_psycopg ORDER BY n")
        assert [n for (n,) in cur] == list(range(60))
    with conn.cursor() as cur, cur.copy("COPY by_psycopg (n) TO STDOUT") as copy:
        assert sum(1 for _ in copy.rows()) == 60
