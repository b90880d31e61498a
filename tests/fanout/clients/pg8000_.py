"""pg8000: pure Python, unnamed statements, every message flushed."""

import os

import pg8000.native
from urllib.parse import unquote, urlsplit

url = urlsplit(os.environ["DATABASE_URL"])
db = pg8000.native.Connection(
    unquote(url.username), host=url.hostname, port=url.port, database=unquote(url.path[1:]),
    password=unquote(url.password)
)
print(db.run("SELECT mood, count(*) FROM todos WHERE hours > :hours GROUP BY 1 ORDER BY 1", hours=3))
print(db.run("SELECT id, at, due, weight, score, done FROM todos WHERE at BETWEEN '1900-01-01' AND '2100-01-01' AND due BETWEEN '1900-01-01' AND '2100-01-01' ORDER BY id LIMIT 25"))
print([(column["name"], column["type_oid"]) for column in db.columns])
db.run("START TRANSACTION")
print(db.run("SELECT sum(weight) FROM todos"), db.row_count)
db.run("ROLLBACK")
try:
    db.run("SELECT nope FROM todos")
except pg8000.native.DatabaseError as error:
    print(error.args[0]["C"])
prepared = db.prepare("SELECT count(*) FROM todos WHERE small = :small")
print([prepared.run(small=small) for small in range(4)])
prepared.close()
db.close()
