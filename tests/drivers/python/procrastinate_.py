"""An ordinary program on procrastinate: a queue of jobs kept in functions and triggers of the database."""

import asyncio
import datetime
from importlib.metadata import version

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued

from cases import URL, case, run_async

MOMENT = datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL, min_size=2, max_size=4))
done = []


@app.task(queue="letters", name="letter")
async def letter(to):
    done.append(to)


@app.task(name="fails", retry=procrastinate.RetryStrategy(max_attempts=2, wait=0))
async def fails():
    raise ValueError("on purpose")


@app.task(name="periodic", pass_context=True)
async def late(context):
    done.append(context.job.task_name)


async def rows(statement, *values):
    async with await psycopg.AsyncConnection.connect(URL, autocommit=True) as conn:
        return await (await conn.execute(statement, values)).fetchall()


@case
async def migrate(_):
    await app.schema_manager.apply_schema_async()
    functions = "SELECT proname, pronargs FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^procrastinate' ORDER BY 1, 2"
    types = "SELECT n.nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE typtype = 'e' AND typname ~ '^proc' ORDER BY 2"
    return [await rows(functions), await rows(types)]


@case
async def create(_):
    ids = [await letter.defer_async(to=name) for name in ("ann", "ben")]
    ids.append(await letter.configure(lock="one", queueing_lock="only", priority=5).defer_async(to="cid"))
    ids.append(await letter.configure(schedule_at=MOMENT).defer_async(to="later"))
    ids.append(await fails.defer_async())
    return [ids, await letter.batch_defer_async({"to": "dan"}, {"to": "eve"})]


@case
async def unique_violation(_):
    try:
        await letter.configure(queueing_lock="only").defer_async(to="again")
    except AlreadyEnqueued as error:
        return [type(error).__name__, str(error)]


@case
async def work(_):
    done.clear()
    await app.run_worker_async(wait=False, concurrency=1, listen_notify=False, install_signal_handlers=False)
    found = await rows("SELECT id, queue_name, task_name, status, attempts FROM public.procrastinate_jobs ORDER BY id")
    return [done, *found]


@case
async def notify(_):
    done.clear()
    worker = asyncio.create_task(app.run_worker_async(fetch_job_polling_interval=60, listen_notify=True, install_signal_handlers=False))
    await asyncio.sleep(1)
    await letter.defer_async(to="told at once")
    for _ in range(100):
        if done:
            break
        await asyncio.sleep(0.05)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    return [done]


@case
async def listed(_):
    manager = app.job_manager
    lines = [(job.id, job.status) for job in await manager.list_jobs_async(status="todo")]
    lines.append([(queue["name"], queue["jobs_count"]) for queue in await manager.list_queues_async()])
    cancelled = await manager.cancel_job_by_id_async(4)
    lines.append(f"{cancelled} {(await manager.get_job_status_async(4)).value}")
    return lines


@case
async def events(_):
    return await rows("SELECT type, count(*)::int FROM procrastinate_events GROUP BY type ORDER BY type::text")


class Opened:
    async def close(self):
        await app.close_async()


async def connect():
    await app.open_async()
    return Opened()


asyncio.run(run_async(f"procrastinate {version('procrastinate')}", connect))
