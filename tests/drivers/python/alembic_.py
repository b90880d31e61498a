"""An ordinary project whose tables Alembic makes from SQLAlchemy's models, in the current folder."""

import contextlib
import io
import pathlib

import alembic
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cases import URL, case, run

ENGINE = f"postgresql+psycopg://{URL.split('://', 1)[1]}"
ENV = """
from alembic import context
import sqlalchemy as sa

def run():
    options = dict(context.config.attributes["options"], target_metadata=context.config.attributes["metadata"])
    if context.is_offline_mode():
        context.configure(url=context.config.attributes["url"], literal_binds=True, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = sa.create_engine(context.config.attributes["url"], poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()

run()
"""


def models(step):
    """The project's tables, as they are after one step and after two."""
    metadata = sa.MetaData()
    people = sa.Table(
        "people", metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("feels", sa.Enum("sad", "ok", "happy", name="mood")),
        sa.UniqueConstraint("name", name="people_name"),
    )
    columns = [sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
               sa.Column("owner", sa.Integer, sa.ForeignKey("people.id", name="pets_owner"), nullable=False),
               sa.Column("name", sa.Text)]
    if step == 2:
        people.append_column(sa.Column("born", sa.Date))
        columns += [sa.Column("weight", sa.Numeric(6, 2), server_default="0"), sa.CheckConstraint("weight >= 0", name="weighs")]
        sa.Table("notes", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text, comment="as written"))
    pets = sa.Table("pets", metadata, *columns)
    sa.Index("pets_by_name", sa.func.lower(pets.c.name))
    return metadata


def config(step=2, out=None, **options):
    found = Config("alembic.ini", stdout=out or io.StringIO(), output_buffer=out)
    found.attributes.update(url=ENGINE, metadata=models(step), options=options)
    return found


def revision(config, message, number):
    """Writes a revision from what differs; Alembic says so on standard output."""
    with contextlib.redirect_stdout(io.StringIO()):
        command.revision(config, message, autogenerate=True, rev_id=number)


def operations(revision):
    """The lines of a revision's file that say what it does."""
    text = pathlib.Path(ScriptDirectory.from_config(config()).get_revision(revision).path).read_text()
    return [" ".join(line.split()) for line in text.splitlines() if line.lstrip().startswith(("op.", "sa.", "with"))]


@case
def create(engine):
    with contextlib.redirect_stdout(io.StringIO()):
        command.init(config(), "migrations")
    pathlib.Path("migrations/env.py").write_text(ENV)


@case
def autogenerate(engine):
    revision(config(1), "first", "0001")
    return operations("0001")


@case
def migrate(engine):
    command.upgrade(config(1), "head")
    with engine.begin() as conn:
        conn.execute(sa.text("INSERT INTO people (name, feels) VALUES ('ann', 'ok')"))
        yield conn.execute(sa.text("SELECT version_num FROM public.alembic_version")).all()
    yield sorted(sa.inspect(engine).get_table_names())


@case
def nothing_more(engine):
    command.check(config(1))
    yield "check"
    command.check(config(1, include_schemas=True))
    yield "check, include_schemas"
    command.check(config(1, include_schemas=True, compare_server_default=True, compare_type=True))
    yield "check, include_schemas and defaults"


@case
def second(engine):
    revision(config(2, include_schemas=True), "second", "0002")
    yield from operations("0002")
    command.upgrade(config(2), "0002")
    command.check(config(2, include_schemas=True))
    yield [(column["name"], str(column["type"]), column["default"]) for column in sa.inspect(engine).get_columns("pets")]


@case
def told(engine):
    for ask in (command.current, command.history, command.heads):
        out = io.StringIO()
        ask(config(out=out))
        yield f"{ask.__name__}: {out.getvalue().splitlines()}"


@case
def compared(engine):
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"include_schemas": True})
        yield compare_metadata(context, models(2))
        names = MigrationContext.configure(conn, opts={"include_schemas": True, "include_name": lambda name, kind, parents: name != "alembic_version"})
        script = produce_migrations(names, sa.MetaData())
        yield sorted(line.strip() for line in render_python_code(script.upgrade_ops).splitlines() if "op." in line)


@case
def schema_of_the_version(engine):
    options = {"version_table": "versions", "version_table_schema": "public"}
    command.stamp(config(2, **options), "0001")
    with engine.begin() as conn:
        yield conn.execute(sa.text("SELECT * FROM versions")).all()
        conn.execute(sa.text("DROP TABLE public.versions"))


@case
def offline(engine):
    out = io.StringIO()
    command.upgrade(config(out=out), "0001:0002", sql=True)
    yield [line for line in out.getvalue().splitlines() if line]


@case
def rollback(engine):
    pathlib.Path("migrations/versions/0003_bad.py").write_text(
        "from alembic import op\nrevision, down_revision = '0003', '0002'\n"
        "def upgrade():\n    op.execute('CREATE TABLE public.half (n int)')\n    op.execute('SELECT 1 / 0')\n"
        "def downgrade():\n    pass\n"
    )
    try:
        command.upgrade(config(), "head")
    except sa.exc.DataError as error:
        yield error.orig.sqlstate
    pathlib.Path("migrations/versions/0003_bad.py").unlink()
    yield sa.inspect(engine).has_table("half")
    with engine.connect() as conn:
        yield MigrationContext.configure(conn).get_current_heads()


@case
def downgrade(engine):
    command.downgrade(config(), "-1")
    yield sorted(sa.inspect(engine).get_table_names())
    command.downgrade(config(), "base")
    yield f"{sorted(sa.inspect(engine).get_table_names())} {sa.inspect(engine).get_enums()}"


@case
def again(engine):
    with engine.begin() as conn:
        conn.execute(sa.text("DROP TYPE public.mood"))
    command.upgrade(config(), "head")
    yield sorted(sa.inspect(engine).get_table_names())
    command.check(config(2, include_schemas=True))


def connect():
    engine = sa.create_engine(ENGINE, poolclass=sa.pool.NullPool)
    engine.close = engine.dispose
    return engine


run(f"Alembic {alembic.__version__}", connect)
