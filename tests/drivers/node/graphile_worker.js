// Graphile Worker, a job queue: its migrations, jobs by LISTEN and NOTIFY, queues, retries and its own SQL functions.

import { makeWorkerUtils, run, runMigrations } from "graphile-worker";
import pg from "pg";
import { failure, play, url, versionOf } from "./cases.js";

const quiet = { logger: { scope: () => quiet.logger, error() {}, warn() {}, info() {}, debug() {} } };
const settings = { connectionString: url, schema: "public", noHandleSignals: true, ...quiet };
const pool = new pg.Pool({ connectionString: url, max: 2 });
const utils = async (work, more = {}) => {
  const own = await makeWorkerUtils({ ...settings, ...more });
  return work(own).finally(() => own.release());
};
const until = async (condition) => {
  const end = Date.now() + 30_000;
  while (!(await condition()) && Date.now() < end) await new Promise((done) => setTimeout(done, 50));
};

const cases = {
  async migrate(say) {
    await runMigrations(settings);
    await runMigrations(settings);
    say((await pool.query("SELECT id, breaking FROM public.migrations ORDER BY id")).rows);
    say((await pool.query("SELECT routine_schema, routine_name FROM information_schema.routines WHERE routine_schema = 'public' AND routine_name LIKE '%\\_job%' ORDER BY 2")).rows.map(({ routine_schema: schema, routine_name: name }) => `${schema}.${name}`));
  },
  async work(say) {
    const seen = [];
    const taskList = {
      async hello({ n }, { query, job }) {
        await query("SELECT 1");
        seen.push(n);
        if (n === 4 && job.attempts === 1) throw new Error("not four");
      },
      async once({ say: words }) { seen.push(words); },
    };
    const runner = await run({ ...settings, taskList, concurrency: 5, pollInterval: 300, maxPoolSize: 10, crontab: "0 3 * * * hello {n:77}" });
    await utils(async (own) => {
      for (let n = 0; n < 30; n++) await own.addJob("hello", { n }, { maxAttempts: 2, queueName: n % 2 ? "odd" : undefined, priority: n });
      await own.addJob("once", { say: "first" }, { jobKey: "key", runAt: new Date(Date.now() + 3_600_000) });
      await own.addJob("once", { say: "public" }, { jobKey: "key", runAt: new Date() });
    });
    await pool.query("SELECT public.add_job('hello', json_build_object('n', 1000))");
    await until(() => seen.includes("public") && seen.includes(1000) && seen.filter(Number.isInteger).length >= 31);
    say([...new Set(seen.filter(Number.isInteger))].sort((a, b) => a - b).length, seen.includes("public"), seen.includes("first"));
    await runner.stop();
    say((await pool.query("SELECT task_identifier, payload, attempts, last_error FROM public._private_jobs JOIN (SELECT id, identifier AS task_identifier FROM public._private_tasks) t ON t.id = task_id")).rows.map(({ payload, last_error: error }) => [payload, error]));
  },
  // The worker asks for jobs by itself once in ten minutes only: it must hear of this one.
  async notify(say) {
    let hear;
    const heard = new Promise((done) => { hear = done; });
    const runner = await run({ ...settings, taskList: { heard: async (payload) => hear(payload) }, pollInterval: 600_000 });
    await new Promise((done) => setTimeout(done, 500));
    await pool.query("SELECT public.add_job('heard', '{\"schema\": \"public\"}')");
    say(await heard);
    await runner.stop();
  },
  async crud(say) {
    await utils(async (own) => {
      const job = await own.addJob("later", { schema: "public" }, { runAt: new Date("2099-01-01T00:00:00Z"), flags: ["a", "public"] });
      say(job.payload, job.run_at, job.key);
      say((await own.rescheduleJobs([job.id], { priority: 7 })).map(({ priority }) => priority));
      say((await own.permanentlyFailJobs([job.id], "no more")).map(({ last_error: error }) => error));
      say((await own.completeJobs([job.id])).length, await failure(own.withPgClient((client) => client.query("SELECT public.add_job(NULL)"))));
      await own.cleanup();
    });
  },
  // Without further words its tables are in a schema `graphile_worker`.
  async own_schema(say) {
    say(await failure(runMigrations({ ...settings, schema: undefined })));
  },
};

await play("Graphile Worker", versionOf("graphile-worker"), cases);
