"""An ordinary Django project in the current folder: its own app beside admin, auth and sessions."""

import asyncio
import datetime
import decimal
import io
import os
import pathlib
import re
import sys
import threading
import uuid as uuids

import django
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, connections, transaction

from cases import case, digest, run, sqlstate

MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012, tzinfo=datetime.timezone.utc)
MODELS = '''
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, HStoreField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Person(models.Model):
    name = models.CharField(max_length=50, unique=True)
    born = models.DateField(null=True)

    def __str__(self):
        return self.name


class Pet(models.Model):
    owner = models.ForeignKey(Person, models.CASCADE, related_name="pets")
    name = models.TextField(db_comment="as it is called")
    friends = models.ManyToManyField("self")

    class Meta:
        indexes = [models.Index(models.functions.Lower("name"), name="pets_by_name")]
        constraints = [models.CheckConstraint(condition=~models.Q(name=""), name="named")]


class Thing(models.Model):
    id = models.UUIDField(primary_key=True)
    doc = models.JSONField()
    tags = ArrayField(models.TextField())
    at = models.DateTimeField()
    price = models.DecimalField(max_digits=30, decimal_places=9)
    raw = models.BinaryField()
    note = models.TextField(null=True)
    words = HStoreField()
    period = DateTimeRangeField(null=True)

    class Meta:
        indexes = [GinIndex(fields=["tags"], name="things_by_tag")]
'''
EXTENSIONS = '''
from django.contrib.postgres.operations import BtreeGinExtension, CITextExtension, HStoreExtension, TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [BtreeGinExtension(), CITextExtension(), HStoreExtension(), TrigramExtension()]
'''
ADMIN = '''
from django.contrib import admin
from app.models import Person, Pet


class Pets(admin.TabularInline):
    model = Pet
    extra = 1
    exclude = ["friends"]


@admin.register(Person)
class People(admin.ModelAdmin):
    list_display = ["name", "born"]
    list_filter = ["born"]
    date_hierarchy = "born"
    search_fields = ["name"]
    inlines = [Pets]
'''


def configure():
    """The project's settings and its app."""
    for name, text in {
        "app/__init__.py": "", "app/models.py": MODELS, "app/admin.py": ADMIN, "app/migrations/__init__.py": "",
        "app/migrations/0001_extensions.py": EXTENSIONS,
        "urls.py": "from django.contrib import admin\nfrom django.urls import path\nurlpatterns = [path('admin/', admin.site.urls)]\n",
    }.items():
        pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(name).write_text(text)
    sys.path.insert(0, os.getcwd())
    contrib = ["admin", "auth", "contenttypes", "sessions", "messages", "postgres"]
    settings.configure(
        SECRET_KEY="not secret", ROOT_URLCONF="urls", ALLOWED_HOSTS=["*"], USE_TZ=True, STATIC_URL="static/",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[*(f"django.contrib.{name}" for name in contrib), "app"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
                    "django.contrib.messages.middleware.MessageMiddleware"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
            "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages"]}}],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cached"}},
        DATABASES={"default": database(), "pooled": database(OPTIONS={"pool": {"min_size": 10, "max_size": 10}})},
    )
    django.setup()


def database(**more):
    return {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
            "PASSWORD": os.environ["PGPASSWORD"], "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], **more}


def command(*arguments, **options):
    out = io.StringIO()
    call_command(*arguments, stdout=out, no_color=True, **options)
    return out.getvalue()


def page(answer):
    """What the middle of an admin page says."""
    text = answer.content.decode()
    return [" ".join(line.split()) for line in text.splitlines() if 'class="field-' in line or 'class="paginator"' in line or " paginator" in line]


@case
def makemigrations(_):
    yield command("makemigrations", "app", name="tables")


@case
def migrate(_):
    yield command("migrate")
    yield command("makemigrations", check=True, dry_run=True)
    yield command("migrate", plan=True)
    yield command("showmigrations", "app")
    yield sorted(connection.introspection.table_names())


@case
def superuser(_):
    os.environ["DJANGO_SUPERUSER_PASSWORD"] = "very secret"
    yield command("createsuperuser", interactive=False, username="root", email="root@example.org")
    from django.contrib.auth.models import Permission, User

    yield f"{User.objects.get().is_superuser} {Permission.objects.count()}"


@case
def crud(_):
    from app.models import Person, Pet

    ann = Person.objects.create(name="ann", born=MOMENT.date())
    ann.pets.create(name="rex")
    Person.objects.bulk_create([Person(name="ben"), Person(name="cid")])
    yield list(Person.objects.order_by("id").values_list("id", "name", "pets__name"))
    yield Person.objects.filter(name__gt="b").update(born=MOMENT.date())
    yield Person.objects.get(name="cid").delete()
    yield Person.objects.update_or_create(name="dan", defaults={"born": None})
    Person.objects.bulk_create([Person(name="ann", born=None)], update_conflicts=True, unique_fields=["name"], update_fields=["born"])
    tom = Pet.objects.create(owner=ann, name="tom")
    tom.friends.add(Pet.objects.get(name="rex"))
    yield [pet.name for pet in tom.friends.all()]
    with transaction.atomic():
        yield list(Person.objects.select_for_update(skip_locked=True).filter(name="ann").values_list("name", "born"))
    yield list(Person.objects.filter(pets__name__icontains="RE").values("name"))


@case
def rollback(_):
    from app.models import Pet

    try:
        with transaction.atomic():
            yield Pet.objects.all().delete()[0]
            raise KeyError
    except KeyError:
        yield Pet.objects.count()


@case
def unique_violation(_):
    from app.models import Person, Pet

    for wrong in (Person(name="ann"), Pet(owner_id=1, name="")):
        try:
            wrong.save()
        except IntegrityError as error:
            yield f"{sqlstate(error)} {' '.join(str(error).split())[:70]}"
    yield Person.objects.count()


@case
def savepoint(_):
    from app.models import Person

    with transaction.atomic():
        Person.objects.create(name="eve")
        for name in ("fay", "ann"):
            try:
                with transaction.atomic():
                    Person.objects.create(name=name)
            except IntegrityError as error:
                yield sqlstate(error)
        mark = transaction.savepoint()
        Person.objects.create(name="gil")
        transaction.savepoint_rollback(mark)
        transaction.on_commit(lambda: print("committed", file=sys.stderr))
    yield list(Person.objects.filter(name__gt="d").order_by("name").values_list("name", flat=True))


@case
def types(_):
    from app.models import Thing

    thing = {"id": uuids.UUID("12345678-9abc-4def-8123-456789abcdef"), "doc": {"schema": "public", "a": [1, None]},
             "tags": ["a", "b,c", 'd"e', ""], "at": MOMENT, "price": decimal.Decimal("12345678901234567890.123456789"),
             "raw": bytes(range(256)), "note": None, "words": {"a": "1", "b": None}}
    Thing.objects.create(**thing)
    found = Thing.objects.get(tags__contains=["a"], doc__schema="public", words__has_key="a", note=None)
    for name, value in thing.items():
        seen = getattr(found, name)
        yield f"{name} {(bytes(seen) if name == 'raw' else seen) == value}"


@case
def admin(_):
    from django.test import Client

    browser = Client()
    yield browser.get("/admin/").headers["Location"]
    answer = browser.post("/admin/login/?next=/admin/", {"username": "root", "password": "very secret"})
    yield f"{answer.status_code} {answer.headers['Location']}"
    yield browser.get("/admin/").status_code
    yield page(browser.get("/admin/app/person/?q=a&o=-1"))
    form = {"name": "by hand", "born": "2000-01-01", "pets-TOTAL_FORMS": "1", "pets-INITIAL_FORMS": "0", "pets-0-name": "uli", "_save": "Save"}
    answer = browser.post("/admin/app/person/add/", form)
    yield f"{answer.status_code} {answer.headers['Location']}"
    answer = browser.post("/admin/app/person/add/", form)
    yield f"{answer.status_code} {re.findall('errorlist.*?</ul>', answer.content.decode())}"
    yield page(browser.get("/admin/app/person/?born__year=2000"))
    answer = browser.post("/admin/app/person/", {"action": "delete_selected", "_selected_action": ["1"], "post": "yes"})
    yield answer.status_code
    yield page(browser.get("/admin/app/person/"))


@case
def sessions(_):
    from django.contrib.sessions.models import Session

    yield Session.objects.count()
    Session.objects.update(expire_date=MOMENT)
    command("clearsessions")
    yield Session.objects.count()


@case
def cache(_):
    from django.core.cache import cache as cached

    command("createcachetable")
    cached.set("a", {"b": 1}, None)
    yield f"{cached.get('a')} {cached.add('a', 2)} {cached.get_or_set('n', 5)}"


@case
def inspectdb(_):
    yield from (line for line in command("inspectdb").splitlines() if line and not line.startswith("#"))


@case
def introspection(_):
    with connection.cursor() as cur:
        look = connection.introspection
        yield sorted((table.name, table.type) for table in look.get_table_list(cur))
        yield look.get_sequences(cur, "app_person")
        yield look.get_relations(cur, "app_pet")
        for table in ("app_pet", "app_person"):
            for name, about in sorted(look.get_constraints(cur, table).items()):
                yield f"{name} {about}"


@case
def search(_):
    from app.models import Person
    from django.contrib.postgres.search import SearchVector, TrigramSimilarity

    yield list(Person.objects.annotate(s=SearchVector("name")).filter(s="hand").values_list("name", flat=True))
    yield list(Person.objects.annotate(s=TrigramSimilarity("name", "by hend")).filter(s__gt=0.3).values_list("name", flat=True))
    yield list(Person.objects.filter(name__trigram_similar="by han").values_list("name", flat=True))


@case
def rows_100000(_):
    with connection.cursor() as cur:
        cur.execute("SELECT n, 'row ' || n FROM generate_series(1, 100000) AS n")
        yield digest(cur)


@case
def parameter_5mb(_):
    from app.models import Pet, Person

    text = "x5" * 2_621_440
    pet = Pet.objects.create(owner=Person.objects.first(), name="large")
    pet.name = text[:2000]
    pet.save()
    with connection.cursor() as cur:
        cur.execute("CREATE TABLE public.large (t text)")
        cur.execute("INSERT INTO large VALUES (%s)", [text])
        cur.execute("SELECT t FROM large")
        yield cur.fetchone()[0] == text


@case
def cursor(_):
    from app.models import Person

    Person.objects.bulk_create(Person(name=f"n{n}") for n in range(5000))
    yield digest(Person.objects.filter(name__startswith="n").order_by("id").values_list("name", flat=True).iterator(chunk_size=500))


@case
def statement_timeout(_):
    try:
        with transaction.atomic(), connection.cursor() as cur:
            cur.execute("SET LOCAL statement_timeout = 50")
            cur.execute("SELECT pg_sleep(10)")
    except OperationalError as error:
        yield sqlstate(error)
    with connection.cursor() as cur:
        cur.execute("SHOW statement_timeout")
        yield cur.fetchone()


@case
def pool(_):
    from app.models import Person

    def work(who):
        for n in range(20):
            with transaction.atomic(using="pooled"):
                Person.objects.using("pooled").create(name=f"pool {who} {n}")
            connections["pooled"].close()

    threads = [threading.Thread(target=work, args=(who,)) for who in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connections["pooled"].close_pool()
    yield Person.objects.filter(name__startswith="pool").count()


@case
def asynchronous(_):
    from app.models import Person

    async def work():
        found = await Person.objects.aget(name="by hand")
        return [found.name, [pet.name async for pet in found.pets.all()], await Person.objects.filter(name__startswith="n").acount()]

    return asyncio.run(work())


@case
def dumpdata(_):
    text = command("dumpdata", "app.pet", "app.thing", indent=1)
    pathlib.Path("dump.json").write_text(text)
    yield text.count('"model"')
    yield command("loaddata", "dump.json")


@case
def another_migration(_):


    pathlib.Path("app/migrations/0003_more.py").write_text(
        "from django.db import migrations, models\n\n\n"
        "def fill(apps, editor):\n    apps.get_model('app', 'Person').objects.filter(name='by hand').update(height=180)\n\n\n"
        "class Migration(migrations.Migration):\n    dependencies = [('app', '0002_tables')]\n    operations = [\n"
        "        migrations.AddField('person', 'height', models.IntegerField(null=True, db_index=True)),\n"
        "        migrations.RunPython(fill, migrations.RunPython.noop),\n"
        "        migrations.AlterField('person', 'name', models.TextField(unique=True)),\n"
        "        migrations.RenameField('pet', 'name', 'called'),\n"
        "        migrations.RunSQL('CREATE VIEW public.tall AS SELECT * FROM app_person WHERE height > 170', 'DROP VIEW public.tall'),\n"
        "    ]\n"
    )
    yield command("sqlmigrate", "app", "0003")
    yield command("migrate", "app")
    with connection.cursor() as cur:
        cur.execute("SELECT name, height FROM public.tall")
        yield cur.fetchall()
    yield command("migrate", "app", "0002")
    yield command("sqlsequencereset", "app")


@case
def flush(_):
    yield command("flush", interactive=False)
    from app.models import Person

    yield Person.objects.count()
    Person.objects.create(name="after")


class Project:
    def close(self):
        connections.close_all()


configure()
run(f"Django {django.__version__}", Project)
