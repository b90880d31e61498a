// Unleash driven over HTTP through its main use: flags and what belongs to them, clients, jobs, a restart.

import { FIVE_MB, longText, play, text, versionOf } from "../../node/cases.js";
import { Unleash, pause } from "./server.js";

// What is written carries the login's name, so that nobody's rows look like another's; what is told does not.
const ME = process.env.PGUSER;
const mine = (words) => `${words} of ${ME}`;
const VOLATILE = /^(id|createdAt|updatedAt|lastSeenAt|loggedInAt|seenAt|lastSeen|secret|token|tokenName|imageUrl|groupId|featuresCount|uuid|ip|.*Date|timestamp|lastMetricsTime|hourBucketStart|environmentsHash|groupCompleted|createdByUserId)$/;
const shown = (value) => text(JSON.parse(JSON.stringify(value ?? null, (key, v) => (VOLATILE.test(key) ? undefined : v)))).replaceAll(ME, "<me>");

let server;
const DEV = "/api/admin/projects/default/features";
const strategies = (name, environment = "development") => `${DEV}/${name}/environments/${environment}/strategies`;
const client = {};

const beginning = {
  async migrate(say) {
    server = await Unleash.start();
    say(server.process.exitCode === null, (await server.get("/health")).body);
  },
  async log_in(say) {
    say((await server.logIn("admin", "wrong")).status, (await server.get("/api/admin/projects")).status);
    const { status, body } = await server.logIn("admin", "unleash4all");
    say(status, body.username, body.id);
    const made = await server.post("/api/admin/user-admin", { username: "editor", email: "editor@example.org", name: mine("the editor"), rootRole: 2, sendEmail: false, password: "A-much-longer-Word-7" });
    say(made.status, made.body.name?.replaceAll(ME, "<me>") ?? made.body);
    const twice = await server.post("/api/admin/user-admin", { username: "editor", email: "other@example.org", rootRole: 2, sendEmail: false });
    say(twice.status, twice.body.name);
    say((await server.get("/api/admin/user")).body.permissions.length);
    say((await server.get("/api/admin/user-admin")).body.users.map(({ username }) => username).sort());
  },
};

const flags = {
  async features(say) {
    for (const name of ["checkout", "search.new", "gone"]) {
      const { status, body } = await server.post(DEV, { name, type: name === "gone" ? "kill-switch" : "release", description: mine(`${name} in public \u{1f600}`), impressionData: true });
      say(status, shown(body));
    }
    const again = await server.post(DEV, { name: "checkout" });
    say(again.status, again.body.name);
    say((await server.post(DEV, { name: "not / a name" })).status);
    const changed = await server.put(`${DEV}/checkout`, { description: mine("changed"), type: "experiment" });
    say(changed.status, shown(changed.body));
  },
  async segments(say) {
    const made = await server.post("/api/admin/segments", { name: "inner circle", description: mine("a segment"), constraints: [{ contextName: "userId", operator: "IN", values: ["1", "2", "public"] }] });
    say(made.status, shown(made.body));
    client.segment = made.body.id;
    say((await server.post("/api/admin/segments/validate", { name: "inner circle" })).status);
    say((await server.post("/api/admin/context", { name: "plan", description: mine("a field"), legalValues: [{ value: "free" }, { value: "public" }], stickiness: true })).status);
  },
  async strategies(say) {
    const rollout = { name: "flexibleRollout", title: "public", constraints: [{ contextName: "plan", operator: "IN", values: ["public", "free"] }],
      parameters: { rollout: "25", stickiness: "default", groupId: "checkout" }, segments: [client.segment],
      variants: [{ name: "red", weight: 500, weightType: "variable", stickiness: "default", payload: { type: "json", value: '{"schema":"public"}' } },
        { name: "blue", weight: 500, weightType: "variable", stickiness: "default" }] };
    for (const environment of ["development", "production"]) {
      const made = await server.post(strategies("checkout", environment), rollout);
      say(made.status, shown({ ...made.body, segments: made.body.segments?.length }));
      say((await server.post(`${DEV}/checkout/environments/${environment}/on`)).status);
    }
    const [{ id }] = (await server.get(strategies("checkout"))).body;
    say((await server.put(`${strategies("checkout")}/${id}`, { ...rollout, parameters: { ...rollout.parameters, rollout: "100" } })).status);
    say((await server.post("/api/admin/strategies", { name: "ours", description: mine("a strategy"), parameters: [{ name: "n", type: "number", required: true }] })).status);
    say((await server.post(strategies("search.new"), { name: "ours", parameters: { n: "1" } })).status);
    const read = await server.get(`${DEV}/checkout`);
    say(shown(read.body.environments.map(({ name, enabled, strategies }) => ({ name, enabled, strategies: strategies.map(({ parameters, segments }) => [parameters, segments.length]) }))));
  },
  async around_them(say) {
    say((await server.post("/api/admin/tag-types", { name: "team", description: "whose", icon: "public" })).status);
    say((await server.post("/api/admin/features/checkout/tags", { type: "team", value: "shop" })).status, shown((await server.get("/api/admin/features/checkout/tags")).body));
    say((await server.post(`${DEV}/search.new/dependencies`, { feature: "checkout" })).status, (await server.get(`${DEV}/search.new`)).body.dependencies);
    say((await server.post(`/api/admin/projects/default/features/checkout/favorites`)).status, (await server.post("/api/admin/projects/default/favorites")).status);
    say((await server.post("/api/admin/addons", { provider: "webhook", enabled: false, description: mine("a hook"), parameters: { url: "http://127.0.0.1:9/" }, events: ["feature-created"] })).status);
    say((await server.post("/api/admin/projects/default/environments", { environment: "production" })).status);
    const found = await server.get("/api/admin/search/features?query=check&project=IS:default&sortBy=name&limit=5");
    say(found.status, found.body.total, found.body.features?.map(({ name, favorite }) => [name, favorite]));
  },
  async archive(say) {
    say((await server.delete(`${DEV}/gone`)).status, (await server.get("/api/admin/projects/default/features")).body.features.map(({ name }) => name).sort());
    say((await server.get("/api/admin/search/features?archived=IS:true")).body.features.map(({ name }) => name), (await server.post("/api/admin/archive/revive/gone")).status);
    const archived = (await server.delete(`${DEV}/gone`)).status;
    // A job of its own notes the stage a moment later, and takes the whole program along if the feature is gone.
    const noted = await server.until(async () => (await server.get(`${DEV}/gone/lifecycle`)).body.some?.(({ stage }) => stage === "archived"), 60_000);
    say(archived, noted, (await server.delete("/api/admin/archive/gone")).status, (await server.get(`${DEV}/gone`)).status);
  },
  async export_import(say) {
    const out = await server.post("/api/admin/features-batch/export", { features: ["checkout"], environment: "development" });
    say(out.status, out.body.features?.map(({ name }) => name), out.body.featureStrategies?.length, out.body.segments?.map(({ name }) => name));
    const data = JSON.parse(JSON.stringify(out.body).replaceAll('"checkout"', '"imported"'));
    const sent = { project: "default", environment: "production", data };
    say((await server.post("/api/admin/features-batch/validate", sent)).body.errors, (await server.post("/api/admin/features-batch/import", sent)).status);
    say((await server.get(`${DEV}/imported`)).body.environments?.map(({ name, strategies }) => [name, strategies.length]));
  },
  async many_at_once(say) {
    const made = await Promise.all(Array.from({ length: 40 }, (_, n) => server.post(DEV, { name: `many-${n}`, description: mine("one of many") })));
    say(made.map(({ status }) => status).filter((status) => status !== 201), (await server.get(DEV)).body.features.length);
    const raced = await Promise.all(Array.from({ length: 6 }, () => server.post(DEV, { name: "raced" })));
    say(raced.map(({ status }) => status).sort().filter((status, at) => at === 0 || status === 201));
    const toggled = await Promise.all(Array.from({ length: 40 }, (_, n) => server.post(`${DEV}/many-${n}/environments/development/on`)));
    say(toggled.every(({ status }) => status === 200), (await server.post("/api/admin/projects/default/archive", { features: Array.from({ length: 38 }, (_, n) => `many-${n}`) })).status);
  },
  async long_text(say) {
    say((await server.put(`${DEV}/many-38`, { description: longText(80_000) })).status, (await server.get(`${DEV}/many-38`)).body.description === longText(80_000));
    say("a body over its own bound", (await server.put(`${DEV}/many-38`, { description: longText(FIVE_MB) })).status);
  },
};

const clients = {
  async tokens(say) {
    for (const [type, name] of [["client", "sdk"], ["frontend", "web"]]) {
      const made = await server.post("/api/admin/api-tokens", { type, tokenName: mine(name), environment: "development", projects: ["default"] });
      say(made.status, made.body.type, made.body.environment);
      client[type] = { authorization: made.body.secret };
    }
    say((await server.get("/api/admin/api-tokens")).body.tokens?.map(({ type }) => type).sort());
  },
  async client_api(say) {
    say((await server.get("/api/client/features", { authorization: "default:development.wrong" })).status);
    await server.until(async () => (await server.get("/api/client/features", client.client)).body.features?.length >= 5, 15_000);
    const { status, body, headers } = await server.get("/api/client/features", client.client);
    say(status, body.features.map(({ name, enabled }) => `${name} ${enabled}`).sort());
    say(shown(body.features.find(({ name }) => name === "checkout")));
    say((await server.get("/api/client/features", { ...client.client, "if-none-match": headers.get("etag") })).status);
    const seen = async () => (await server.get("/api/frontend?userId=2&properties[plan]=public", client.frontend)).body.toggles?.map(({ name }) => name).sort();
    await server.until(async () => (await seen()).length < 10, 30_000);
    say(await seen());
  },
  async metrics(say) {
    const instance = { appName: "shop", instanceId: "shop-1", environment: "development" };
    say((await server.post("/api/client/register", { ...instance, strategies: ["default", "ours"], started: new Date(), interval: 10_000, sdkVersion: "tests:1.0.0" }, client.client)).status);
    const bucket = { start: new Date(Date.now() - 1000), stop: new Date(), toggles: { checkout: { yes: 7, no: 3, variants: { red: 4, blue: 3 } }, unheard: { yes: 1, no: 0 } } };
    for (let n = 0; n < 3; n++) say((await server.post("/api/client/metrics", { ...instance, bucket }, client.client)).status);
    const read = () => server.get("/api/admin/client-metrics/features/checkout/raw");
    say(await server.until(async () => (await read()).body.data?.some(({ yes }) => yes === 21), 40_000));
    // What its lists say of the last hour depends on whether an hour has just begun.
    say(shown((await read()).body.data.filter(({ yes }) => yes)), (await server.get("/api/admin/client-metrics/features/checkout")).status);
  },
  // Unleash gathers these in memory; a job writes them every twenty seconds.
  async jobs(say) {
    const shop = () => server.get("/api/admin/metrics/applications/shop");
    say(await server.until(async () => (await shop()).body.instances?.length === 1, 60_000));
    const { body } = await shop();
    say(body.appName, body.instances?.map(({ instanceId, sdkVersion }) => [instanceId, sdkVersion]), body.strategies?.map(({ name }) => name), body.seenToggles?.map(({ name }) => name));
  },
  async events(say) {
    const { body } = await server.get("/api/admin/search/events?limit=1000");
    const count = {};
    // A job announces applications when chance has it.
    for (const { type } of body.events) if (type !== "application-created") count[type] = (count[type] ?? 0) + 1;
    say(Object.entries(count).sort());
    const { body: of } = await server.get("/api/admin/search/events?feature=IS:checkout&limit=100");
    say(of.events.map(({ type, createdBy, environment }) => [type, createdBy, environment]));
    say(shown(of.events.find(({ type }) => type === "feature-metadata-updated")));
  },
};

const end = {
  async restart(say) {
    say((await server.get("/api/admin/projects")).status, await server.stop());
    server = await Unleash.start(server.cookie);
    say((await server.get("/api/admin/projects")).status, "with the session of before");
    say((await server.logIn("editor", "A-much-longer-Word-7")).status, (await server.get(DEV)).body.features?.map(({ name }) => name).sort());
    say((await server.get("/api/client/features", client.client)).body.features?.length);
    say((await server.post(DEV, { name: "afterwards", description: mine("a late one") })).status, (await server.get("/api/admin/user-admin")).status);
  },
  async stop(say) {
    await pause(1500);
    say(await server.stop());
  },
};

await play("Unleash", versionOf("unleash-server", import.meta.url), { ...beginning, ...flags, ...clients, ...end });
