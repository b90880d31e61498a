"""An ordinary program on peewee, with its migrations and the models it generates from a database."""

import datetime
import decimal
import os
import uuid as uuids

import peewee
from playhouse import migrate as moves
from playhouse import pool as pools
from playhouse import reflection
from playhouse.postgres_ext import ArrayField, BinaryJSONField, DateTimeTZField, PostgresqlExtDatabase

from cases import case, digest, run, sqlstate

ADDRESS = dict(database=os.environ["PGDATABASE"], user=os.environ["PGUSER"], password=os.environ["PGPASSWORD"],
               host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]))
MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=datetime.timezone.utc)
database = PostgresqlExtDatabase(**ADDRESS)


class Model(peewee.Model):
    class Meta:
        database = database


class Person(Model):
    name = peewee.CharField(unique=True)


class Pet(Model):
    owner = peewee.ForeignKeyField(Person, backref="pets", on_delete="CASCADE")
    name = peewee.TextField(index=True)

    class Meta:
        schema = "public"


class Thing(Model):
    id = peewee.UUIDField(primary_key=True)
    doc = BinaryJSONField()
    tags = ArrayField(peewee.TextField)
    at = DateTimeTZField()
    price = peewee.DecimalField(30, 9)
    raw = peewee.BlobField()
    note = peewee.TextField(null=True)


@case
def create(_):
    for _ in range(2):
        database.create_tables([Person, Pet, Thing], safe=True)


@case
def crud(_):
    with database.atomic():
        ann = Person.create(name="ann")
        Pet.insert_many([{"owner": ann, "name": "rex"}, {"owner": ann, "name": "tom"}]).execute()
    yield [pet.name for pet in ann.pets.order_by(Pet.id)]
    yield Pet.update(name="kit").where(Pet.name == "tom").execute()
    yield Person.insert(name="ann").on_conflict(conflict_target=[Person.name], update={Person.name: "ann"}).execute()
    yield list(Person.select(Person.name, peewee.fn.COUNT(Pet.id).alias("n")).join(Pet).group_by(Person.name).tuples())


@case
def rollback(_):
    with database.atomic() as transaction:
        yield Pet.delete().execute()
        transaction.rollback()
    yield Pet.select().count()


@case
def unique_violation(_):
    try:
        Person.create(name="ann")
    except peewee.IntegrityError as error:
        yield f"{sqlstate(error)} {' '.join(str(error).split())}"
    yield Person.select().count()


@case
def types(_):
    thing = {"id": uuids.UUID("12345678-9abc-4def-8123-456789abcdef"), "doc": {"schema": "public", "a": [1, None]}, "tags": ["a", "b,c"],
             "at": MOMENT, "price": decimal.Decimal("12345678901234567890.123456789"), "raw": bytes(range(256)), "note": None}
    Thing.create(**thing)
    found = Thing.get(Thing.tags.contains("a"), Thing.doc["schema"] == "public")
    for name, value in thing.items():
        seen = getattr(found, name)
        yield f"{name} {(bytes(seen) if name == 'raw' else seen) == value}"


@case
def introspection(_):
    for schema in (None, "public"):
        yield f"{database.get_tables(schema)} {database.get_views(schema)}"
        yield sorted(database.get_indexes("pet", schema))
        yield database.get_columns("thing", schema)
        yield f"{database.get_primary_keys('pet', schema)} {database.get_foreign_keys('pet', schema)}"
    yield f"{Person.table_exists()} {Pet.table_exists()} {database.table_exists('nothing')} {database.sequence_exists('person_id_seq')}"


@case
def generated(_):
    for schema in (None, "public"):
        models = reflection.Introspector.from_database(database, schema=schema).generate_models()
        for name, model in sorted(models.items()):
            yield f"{name} {[(field.name, type(field).__name__) for field in model._meta.sorted_fields]}"
        yield [(pet.name, pet.owner.name) for pet in models["pet"].select().order_by(models["pet"].id)]


@case
def migrate(_):
    migrator = moves.PostgresqlMigrator(database)
    with database.atomic():
        moves.migrate(
            migrator.set_search_path("public"),
            migrator.add_column("person", "height", peewee.IntegerField(null=True)),
            migrator.rename_column("person", "name", "called"),
            migrator.add_index("person", ("called", "height"), True),
            migrator.alter_column_type("person", "height", peewee.BigIntegerField(null=True)),
        )
    yield [(column.name, column.data_type, column.null) for column in database.get_columns("person")]
    moves.migrate(migrator.rename_column("person", "called", "name"), migrator.drop_column("person", "height"))
    yield sorted(index.name for index in database.get_indexes("person"))


@case
def savepoint(_):
    with database.atomic():
        Person.create(name="dan")
        try:
            with database.atomic():
                Person.create(name="ann")
        except peewee.IntegrityError as error:
            yield sqlstate(error)
        Person.create(name="eve")
    yield [person.name for person in Person.select().order_by(Person.name)]


@case
def cursor(_):
    yield digest(peewee.RawQuery("SELECT generate_series(1, 10000)", _database=database).tuples().execute())
    with database.atomic():
        yield digest(row for row in database.execute_sql("SELECT n, 'row ' || n FROM generate_series(1, 100000) AS n"))


@case
def parameter_5mb(_):
    text = "x5" * 2_621_440
    Pet.create(owner=1, name="large")
    database.execute_sql("CREATE TABLE public.large (t text)")
    database.execute_sql("INSERT INTO large VALUES (%s)", (text,))
    yield database.execute_sql("SELECT t FROM large").fetchone()[0] == text


@case
def pool(_):
    pooled = pools.PooledPostgresqlDatabase(max_connections=10, **ADDRESS)
    with Person.bind_ctx(pooled):
        for n in range(20):
            with pooled.connection_context():
                Person.create(name=f"n{n}")
    pooled.close_all()
    yield Person.select().where(Person.name.startswith("n")).count()


@case
def drop(_):
    database.drop_tables([Thing])
    yield database.get_tables()


class Connection:
    def close(self):
        database.close()


run(f"peewee {peewee.__version__}", Connection)
