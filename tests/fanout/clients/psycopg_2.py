"""psycopg2: values put into the text by the client, simple queries, COPY."""

import io
import os

import psycopg2

db = psycopg2.connect(os.environ["DATABASE_URL"])
with db, db.cursor() as cursor:
    cursor.execute("SELECT mood, count(*), avg(hours) FROM todos WHERE hours > %s GROUP BY 1 ORDER BY 1", (3,))
    print(cursor.fetchall(), cursor.rowcount, cursor.statusmessage)
    cursor.execute("SELECT id, at, due, tags, meta, weight, score, done FROM todos WHERE at BETWEEN '1900-01-01' AND '2100-01-01' AND due BETWEEN '1900-01-01' AND '2100-01-01' ORDER BY id LIMIT 25")
    print(cursor.fetchmany(5), cursor.fetchall())
    print([(column.name, column.type_code, column.internal_size) for column in cursor.description])
with db, db.cursor("parts") as cursor:
    cursor.itersize = 7
    cursor.execute("SELECT id, title FROM todos ORDER BY id LIMIT 30")
    print(list(cursor))
with db, db.cursor("held", withhold=True) as cursor:
    cursor.execute("SELECT mood, count(*) FROM todos GROUP BY mood ORDER BY mood")
    print(cursor.fetchone())
    db.commit()
    print(cursor.fetchall())
try:
    with db, db.cursor() as cursor:
        cursor.execute("SELECT nope FROM todos")
except psycopg2.Error as error:
    print(error.pgcode)
db.autocommit = True
with db.cursor() as cursor:
    cursor.execute("SELECT 1; SELECT count(*) FROM todos")
    print(cursor.fetchall())
    out = io.StringIO()
    cursor.copy_expert("COPY (SELECT id, title FROM todos ORDER BY id LIMIT 5) TO STDOUT WITH CSV HEADER", out)
    print(out.getvalue())
db.set_session(isolation_level="SERIALIZABLE", readonly=True)
with db.cursor() as cursor:
    cursor.execute("SELECT count(due) FROM todos")
    print(cursor.fetchone())
