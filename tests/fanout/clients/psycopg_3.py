"""psycopg 3: prepared from the fifth time on, binary, pipelined, row by row."""

import os

import psycopg

URL = os.environ["DATABASE_URL"]
BY_MOOD = "SELECT mood, count(*), avg(hours) FROM todos WHERE hours > %s GROUP BY mood ORDER BY mood"

with psycopg.connect(URL) as db:
    for hours in range(8):
        print(hours, db.execute(BY_MOOD, [hours]).fetchall())
    db.commit()
    kinds = "SELECT id, at, due, tags, meta, raw, weight, score, done FROM todos WHERE at BETWEEN '1900-01-01' AND '2100-01-01' AND due BETWEEN '1900-01-01' AND '2100-01-01' ORDER BY id LIMIT 25"
    print(db.execute(kinds).fetchall())
    with db.cursor(binary=True) as binary:
        print(binary.execute("SELECT id, due, hours, big, raw, done FROM todos WHERE at BETWEEN '1900-01-01' AND '2100-01-01' AND due BETWEEN '1900-01-01' AND '2100-01-01' ORDER BY id LIMIT 25").fetchall())
    with db.pipeline():
        cursors = [db.execute("SELECT count(*) FROM todos WHERE small = %s", [small]) for small in range(5)]
    print([cursor.fetchone() for cursor in cursors])
    db.commit()
    try:
        db.execute("SELECT nope FROM todos")
    except psycopg.Error as error:
        print(error.sqlstate, error.diag.statement_position)
    print(db.info.transaction_status.name)
    db.rollback()
    with db.transaction():
        print(db.execute("SELECT sum(weight), max(title) FROM todos").fetchone())
        try:
            with db.transaction():
                db.execute("SELECT 1 / (count(*) - count(*)) FROM todos")
        except psycopg.errors.DivisionByZero as error:
            print(error.sqlstate)
        print(db.execute("SELECT count(DISTINCT list_id) FROM todos").fetchone())
    with db.cursor().copy("COPY (SELECT id, title FROM todos ORDER BY id LIMIT 5) TO STDOUT") as copy:
        print(b"".join(copy))
    print(list(db.cursor().stream("SELECT id, title FROM todos WHERE hours = %s ORDER BY id", [3])))
    db.commit()
    for options in [{}, {"binary": True}, {"withhold": True}, {"scrollable": False}]:
        with db.cursor("parts", **options) as parts:
            parts.execute("SELECT id, hours, title FROM todos WHERE hours > %s ORDER BY id LIMIT 60", [1])
            print([column.name for column in parts.description], parts.fetchmany(7), parts.fetchone())
            parts.scroll(3)
            print(parts.fetchall(), parts.fetchone())
        db.commit()
    db.execute("SET TIME ZONE 'Asia/Tokyo'")
    print(db.execute("SHOW TIME ZONE").fetchone(), db.info.timezone)
