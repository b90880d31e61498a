"""An ordinary program on SQLAlchemy, with each of its usual drivers."""

import asyncio
import datetime
import decimal
import threading
import uuid as uuids

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from cases import URL, case, digest, run, sqlstate

BASE = URL.split("://", 1)[1]
MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=datetime.timezone.utc)


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData()


class Person(Base):
    __tablename__ = "people"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(50), unique=True)
    feels: orm.Mapped[str | None] = orm.mapped_column(sa.Enum("sad", "ok", "happy", name="mood"))
    pets: orm.Mapped[list["Pet"]] = orm.relationship(back_populates="owner", cascade="all, delete-orphan", order_by="Pet.id")


class Pet(Base):
    __tablename__ = "pets"
    __table_args__ = (sa.Index("pets_by_name", "name"), {"schema": "public"})
    id: orm.Mapped[int] = orm.mapped_column(sa.Identity(), primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(comment="as it is called")
    owner_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("people.id", ondelete="CASCADE"))
    owner: orm.Mapped[Person] = orm.relationship(back_populates="pets")


class Thing(Base):
    __tablename__ = "things"
    id: orm.Mapped[uuids.UUID] = orm.mapped_column(primary_key=True)
    doc: orm.Mapped[dict] = orm.mapped_column(pg.JSONB)
    tags: orm.Mapped[list[str]] = orm.mapped_column(pg.ARRAY(sa.Text))
    at: orm.Mapped[datetime.datetime] = orm.mapped_column(sa.DateTime(timezone=True))
    price: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(30, 9))
    raw: orm.Mapped[bytes]
    note: orm.Mapped[str | None]
    words: orm.Mapped[dict] = orm.mapped_column(pg.HSTORE)
    period: orm.Mapped[object] = orm.mapped_column(pg.TSTZRANGE)


@case
def create(engine):
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE VIEW public.names AS SELECT p.name AS person, q.name AS pet FROM people p JOIN pets q ON q.owner_id = p.id")
        conn.exec_driver_sql("CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM people")


@case
def crud(engine):
    with orm.Session(engine) as session, session.begin():
        session.add_all([Person(name="ann", feels="ok", pets=[Pet(name="rex"), Pet(name="tom")]), Person(name="ben"), Person(name="cid")])
    with orm.Session(engine) as session:
        ann = session.scalars(sa.select(Person).where(Person.name == "ann")).one()
        ann.feels = "happy"
        ann.pets.pop()
        session.delete(session.get(Person, 3))
        session.commit()
        yield [(person.id, person.name, person.feels, [pet.name for pet in person.pets])
               for person in session.scalars(sa.select(Person).options(orm.selectinload(Person.pets)).order_by(Person.id))]
        found = session.execute(sa.select(Person.name, Pet.name).outerjoin(Pet).order_by(Person.id)).all()
        yield [tuple(row) for row in found]
    with engine.begin() as conn:
        put = pg.insert(Person).values(name="ann", feels="sad")
        row = conn.execute(put.on_conflict_do_update(index_elements=["name"], set_={"feels": put.excluded.feels}).returning(Person.id))
        yield row.all()
        many = conn.execute(sa.insert(Person).returning(Person.id, sort_by_parameter_order=True), [{"name": f"n{n}"} for n in range(2500)])
        yield digest(tuple(row) for row in many)
        yield conn.execute(sa.delete(Person).where(Person.name.startswith("n"))).rowcount


@case
def rollback(engine):
    with orm.Session(engine) as session:
        session.execute(sa.delete(Pet))
        yield session.scalar(sa.select(sa.func.count()).select_from(Pet))
        session.rollback()
        yield session.scalar(sa.select(sa.func.count()).select_from(Pet))


@case
def unique_violation(engine):
    with orm.Session(engine) as session:
        session.add(Person(name="ann"))
        try:
            session.commit()
        except sa.exc.IntegrityError as error:
            yield f"{sqlstate(error)} {error.orig.diag.message_detail} {error.orig.diag.schema_name}.{error.orig.diag.table_name}"
        session.rollback()
        yield session.scalar(sa.text("SELECT 'still usable'"))


@case
def types(engine):
    thing = {
        "id": uuids.UUID("12345678-9abc-4def-8123-456789abcdef"), "doc": {"schema": "public", "a": [1, None]},
        "tags": ["a", "b,c", 'd"e', ""], "at": MOMENT, "price": decimal.Decimal("12345678901234567890.123456789"),
        "raw": bytes(range(256)), "note": None, "words": {"a": "1", "b": None}, "period": pg.Range(MOMENT, None),
    }
    with orm.Session(engine) as session:
        session.add(Thing(**thing))
        session.commit()
    with orm.Session(engine) as session:
        found = session.scalars(sa.select(Thing).where(Thing.tags.contains(["a"]), Thing.doc["schema"].astext == "public")).one()
        for name, value in thing.items():
            seen = getattr(found, name)
            yield f"{name} {seen == value} {seen if name != 'raw' else len(seen)}"


@case
def prepared(engine):
    with engine.connect() as conn:
        statement = sa.select(Person.name).where(Person.id == sa.bindparam("id"))
        for n in range(12):
            found = conn.execute(statement, {"id": n % 2 + 1}).all()
        yield found


@case
def schemas(engine):
    inspector = sa.inspect(engine)
    yield f"{inspector.get_schema_names()} default {inspector.default_schema_name}"


@case
def introspection(engine):
    inspector = sa.inspect(engine)
    for schema in (None, "public"):
        yield f"tables {sorted(inspector.get_table_names(schema=schema))} views {inspector.get_view_names(schema=schema)}"
        yield f"materialized {inspector.get_materialized_view_names(schema=schema)} sequences {sorted(inspector.get_sequence_names(schema=schema))}"
        yield f"enums {inspector.get_enums(schema=schema)}"
        for table in ("people", "pets", "things"):
            yield [(column["name"], str(column["type"]), column["nullable"], column["default"], column.get("comment"))
                   for column in inspector.get_columns(table, schema=schema)]
            yield f"{inspector.get_pk_constraint(table, schema=schema)} {inspector.get_foreign_keys(table, schema=schema)}"
            yield f"{inspector.get_indexes(table, schema=schema)} {inspector.get_unique_constraints(table, schema=schema)}"
        yield inspector.get_view_definition("names", schema=schema)
    yield f"{inspector.has_table('people')} {inspector.has_table('people', schema='public')} {inspector.has_table('nothing')}"
    yield inspector.get_enums(schema="*")


@case
def reflection(engine):
    for schema in (None, "public"):
        metadata = sa.MetaData(schema=schema)
        metadata.reflect(engine, views=True)
        yield sorted(metadata.tables)
        pets = metadata.tables["public.pets" if schema else "pets"]
        yield sorted(str(key.target_fullname) for key in pets.foreign_keys)
        with engine.connect() as conn:
            yield conn.execute(sa.select(pets.c.name)).all()
            yield str(sa.select(pets.c.name))


@case
def automap(engine):
    from sqlalchemy.ext.automap import automap_base

    mapped = automap_base()
    mapped.prepare(autoload_with=engine)
    yield sorted(mapped.classes.keys())
    with orm.Session(engine) as session:
        yield [(pet.name, pet.people.name) for pet in session.scalars(sa.select(mapped.classes.pets))]


@case
def rows_100000(engine):
    with engine.connect() as conn:
        yield digest(tuple(row) for row in conn.execute(sa.text("SELECT n, 'row ' || n FROM generate_series(1, 100000) AS n")))


@case
def parameter_5mb(engine):
    text = "x5" * 2_621_440
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE large (t text)")
        conn.execute(sa.text("INSERT INTO public.large VALUES (:t)"), {"t": text})
        yield conn.scalar(sa.text("SELECT t FROM large")) == text


@case
def cursor(engine):
    with engine.connect() as conn:
        numbers = conn.execution_options(yield_per=1000).execute(sa.text("SELECT generate_series(1, 10000)"))
        yield digest(row[0] for row in numbers)
        yield numbers.closed


@case
def statement_timeout(engine):
    with engine.connect() as conn:
        conn.execute(sa.text("SET LOCAL statement_timeout = 50"))
        try:
            conn.execute(sa.text("SELECT pg_sleep(10)"))
        except sa.exc.OperationalError as error:
            yield sqlstate(error)
        conn.rollback()
        yield conn.scalar(sa.text("SHOW statement_timeout"))


@case
def savepoint(engine):
    with orm.Session(engine) as session, session.begin():
        session.add(Person(name="dan"))
        try:
            with session.begin_nested():
                session.add(Person(name="ann"))
                session.flush()
        except sa.exc.IntegrityError as error:
            yield sqlstate(error)
        with session.begin_nested():
            session.add(Person(name="eve"))
    with orm.Session(engine) as session:
        yield session.scalars(sa.select(Person.name).where(Person.name > "c").order_by(Person.name)).all()


@case
def isolation(engine):
    for level in ("SERIALIZABLE", "REPEATABLE READ", "AUTOCOMMIT"):
        with engine.connect().execution_options(isolation_level=level) as conn:
            yield f"{conn.get_isolation_level()} {conn.scalar(sa.text('SHOW transaction_isolation'))}"
    with engine.connect().execution_options(postgresql_readonly=True, postgresql_deferrable=True) as conn:
        try:
            conn.execute(sa.delete(Pet))
        except sa.exc.InternalError as error:
            yield sqlstate(error)
    yield engine.connect().get_isolation_level()


@case
def pool(engine):
    pooled = sa.create_engine(engine.url, pool_size=10, max_overflow=0, pool_pre_ping=True)
    with pooled.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE counted (who int, n int)")

    def work(who):
        for n in range(20):
            with pooled.begin() as conn:
                conn.execute(sa.text("INSERT INTO counted VALUES (:who, :n)"), {"who": who, "n": n})

    threads = [threading.Thread(target=work, args=(who,)) for who in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pooled.connect() as conn:
        yield conn.execute(sa.text("SELECT count(*), sum(who), sum(n) FROM counted")).one()
    pooled.dispose()


@case
def psycopg2(engine):
    other = sa.create_engine(f"postgresql+psycopg2://{BASE}")
    with orm.Session(other) as session:
        session.add(Person(name="by psycopg2", pets=[Pet(name="ida")]))
        session.commit()
        yield session.scalars(sa.select(Pet.name).join(Pet.owner).where(Person.name == "by psycopg2")).all()
    yield sorted(sa.inspect(other).get_table_names())
    other.dispose()


@case
def asyncpg(engine):
    async def work():
        other = create_async_engine(f"postgresql+asyncpg://{BASE}")
        lines = []
        async with AsyncSession(other) as session:
            session.add(Person(name="by asyncpg", feels="ok", pets=[Pet(name="uli")]))
            await session.commit()
            found = await session.scalars(sa.select(Person).where(Person.name == "by asyncpg").options(orm.selectinload(Person.pets)))
            lines.append([(person.feels, [pet.name for pet in person.pets]) for person in found])
            thing = (await session.scalars(sa.select(Thing))).one()
            lines.append(f"{thing.doc} {thing.tags} {thing.at} {thing.price} {thing.words}")
        async with other.connect() as conn:
            lines.append(await conn.run_sync(lambda sync: sorted(sa.inspect(sync).get_table_names(schema="public"))))
            numbers = await conn.stream(sa.text("SELECT generate_series(1, 10000)"))
            lines.append(digest([row[0] async for row in numbers]))
        await other.dispose()
        return lines

    return asyncio.run(work())


@case
def drop(engine):
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP VIEW names")
        Thing.__table__.drop(conn)
        yield sorted(sa.inspect(conn).get_table_names())


def connect():
    engine = sa.create_engine(f"postgresql+psycopg://{BASE}")
    engine.close = engine.dispose
    return engine


run(f"SQLAlchemy {sa.__version__}", connect)
