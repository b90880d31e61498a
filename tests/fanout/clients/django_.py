"""Django: aggregates of its ORM, rows in chunks by cursors that are held and ones that are not, its own introspection."""

import os
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": url.hostname,
            "PORT": url.port,
            "USER": unquote(url.username),
            "PASSWORD": unquote(url.password),
            "NAME": url.path[1:],
        }
    },
    USE_TZ=True,
)
django.setup()

from django.db import connection, models, transaction
from django.db.models import Avg, Count, Exists, F, Max, OuterRef, Q, Sum, Window
from django.db.models.functions import Rank, TruncMonth


class List(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.TextField()

    class Meta:
        db_table, managed, app_label = "lists", False, "todo"


class Todo(models.Model):
    id = models.UUIDField(primary_key=True)
    list = models.ForeignKey(List, on_delete=models.CASCADE)
    title = models.TextField()
    hours = models.IntegerField()
    done = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        db_table, managed, app_label = "todos", False, "todo"


todos = Todo.objects
print(todos.aggregate(Count("id"), Avg("hours"), Max("title"), done=Count("id", filter=Q(done=True))))
print(list(todos.values("done").annotate(n=Count("*"), hours=Sum("hours")).filter(n__gt=1).order_by("done")))
print(list(todos.filter(list__name__icontains="o").values_list("list__name").annotate(Count("id")).order_by("list__name")))
ours = todos.filter(at__gte="1990-01-01T00:00Z", at__lte="2100-01-01T00:00Z").annotate(month=TruncMonth("at"))
print(list(ours.values_list("month").annotate(Count("id")).order_by("month")))
print(List.objects.filter(Exists(todos.filter(list=OuterRef("pk")))).count(), todos.filter(hours__in=[1, 2]).exists())
rank = Window(Rank(), order_by=F("hours").desc(nulls_last=True))
print(list(todos.annotate(rank=rank).order_by("rank", "id").values_list("rank", "id")[:20]))
for todo in todos.only("title").order_by("id").iterator(chunk_size=30):
    print(todo.id, todo.title)
with transaction.atomic():
    print([todo.id for todo in todos.only("id").order_by("id").iterator(chunk_size=50)])
with connection.cursor() as cursor:
    print([column.name for column in connection.introspection.get_table_description(cursor, "lists")])
