// pg-boss, a job queue: its schema's making, jobs, retries, schedules, upkeep; in `public`, and as it is by default.

import PgBoss from "pg-boss";
import { failure, play, url, versionOf } from "./cases.js";

const open = async (more) => {
  const boss = new PgBoss({ connectionString: url, ...more });
  const errors = [];
  boss.on("error", ({ message }) => errors.push(message));
  await boss.start();
  return { boss, errors };
};
const { boss, errors } = await open({ schema: "public", max: 10 });

const until = async (condition) => {
  const end = Date.now() + 30_000;
  while (!(await condition()) && Date.now() < end) await new Promise((done) => setTimeout(done, 100));
};
const inOrder = (numbers) => [...numbers].sort((a, b) => a - b);

const cases = {
  async migrate(say) {
    say(await boss.isInstalled(), await boss.schemaVersion());
    const again = await open({ schema: "public" });
    say(await again.boss.schemaVersion(), again.errors);
    await again.boss.stop({ graceful: false });
  },
  async crud(say) {
    await boss.createQueue("kinds", { policy: "standard", retryLimit: 0 });
    const id = await boss.send("kinds", { schema: "public", n: [1, null, 1.5] }, { priority: 3 });
    const [job] = await boss.fetch("kinds");
    say(job.id === id, job.data);
    await boss.complete("kinds", id, { done: "public" });
    const { state, output, priority } = await boss.getJobById("kinds", id);
    say(state, output, priority, (await boss.getQueues()).map(({ name, policy }) => [name, policy]));
  },
  async unique_violation(say) {
    await boss.createQueue("single", { policy: "short" });
    say((await boss.send("single", {}, { singletonKey: "one" })) !== null, await boss.send("single", {}, { singletonKey: "one" }));
    say(await failure(boss.send("missing", {})), await boss.getQueueSize("single"));
  },
  async work(say) {
    const seen = [];
    const settings = { batchSize: 5, pollingIntervalSeconds: 0.5, includeMetadata: true };
    const work = async (jobs) => {
      for (const { data, retryCount } of jobs) seen.push([data.n, retryCount]);
      if (jobs.some(({ data, retryCount }) => data.n === 3 && retryCount === 0)) throw new Error("not three");
    };
    await boss.createQueue("many", { policy: "standard" });
    await boss.insert(Array.from({ length: 40 }, (_, n) => ({ name: "many", data: { n }, retryLimit: 2 })));
    await Promise.all([1, 2, 3].map(() => boss.work("many", settings, work)));
    const first = () => new Set(seen.map(([n]) => n));
    await until(() => first().size === 40 && seen.some(([n, again]) => n === 3 && again > 0));
    say(inOrder(first()).length, seen.some(([n, again]) => n === 3 && again === 1));
    await boss.offWork("many");
  },
  async schedule(say) {
    await boss.schedule("kinds", "0 3 * * *", { n: 100 }, { tz: "Asia/Kolkata" });
    say((await boss.getSchedules()).map(({ name, cron, timezone, data }) => [name, cron, timezone, data]));
    await boss.unschedule("kinds");
    await boss.maintain();
    say(await boss.getSchedules(), errors);
  },
  async publish(say) {
    await boss.subscribe("public", "kinds");
    await boss.publish("public", { to: "everybody" });
    say((await boss.fetch("kinds")).map(({ data }) => data));
    await boss.purgeQueue("single");
    say(await boss.getQueueSize("single"));
  },
  // Without further words its tables are in a schema `pgboss`.
  async own_schema(say) {
    say(await failure(open({}).then((own) => own.boss.stop({ graceful: false }))));
  },
  async stop(say) {
    await boss.stop({ graceful: true, timeout: 10_000 });
    say(errors);
  },
};

await play("pg-boss", versionOf("pg-boss"), cases);
