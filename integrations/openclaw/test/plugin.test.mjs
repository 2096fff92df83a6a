import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { Names } from "../dist/names.js";
import { Offer, reachOf } from "../dist/reach.js";
import { versionProblem } from "../dist/version.js";
import { host, IDS, serve } from "./support.mjs";

const service = await serve({ "GET /decisions/dec_1/explain": { status: 200, text: "because\n" } });
after(service.close);
const manifest = JSON.parse(readFileSync(new URL("../openclaw.plugin.json", import.meta.url), "utf8"));
const packaged = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

test("registering prints nothing, asks nobody, and takes under 5 ms", () => {
  const written = [];
  const write = process.stdout.write;
  process.stdout.write = (text) => written.push(text) > 0;
  const times = [];
  try {
    for (let round = 0; round < 5; round++) {
      const began = performance.now();
      host({ apiUrl: service.url });
      times.push(performance.now() - began);
    }
  } finally {
    process.stdout.write = write;
  }
  assert.deepEqual([written, service.seen], [[], []]);
  assert.ok(Math.max(...times) < 5, `took ${times.map((ms) => ms.toFixed(2)).join(", ")} ms`);
});

test("the manifest declares every tool, and the versions of all files agree", () => {
  assert.deepEqual(Object.keys(host({}).tools), manifest.contracts.tools);
  assert.equal(manifest.version, packaged.version);
  assert.equal(packaged.dependencies, undefined);
});

test("spellings of one model lead to it; what could be two models leads nowhere", () => {
  const { ids, meaning } = JSON.parse(readFileSync(new URL("names.json", import.meta.url), "utf8"));
  const names = new Names(ids);
  for (const [reference, id] of Object.entries(meaning)) assert.equal(names.idOf(reference), id ?? undefined, reference);
});

test("models are taken from providers and agents, and kept to the user's policy", () => {
  const config = {
    models: { providers: { p: { models: [{ id: "one" }] }, "smart-spawn": { models: [{ id: "auto" }] } } },
    agents: {
      defaults: { model: { primary: "p/two", fallbacks: ["p/three"] }, subagents: { model: "smart-spawn/auto" } },
      entries: { helper: { modelPolicy: { allow: ["p/one"] } } },
    },
  };
  assert.deepEqual(reachOf(config), { references: ["p/two", "p/three", "p/one"], open: [] });
  assert.deepEqual(reachOf(config, "helper"), { references: ["p/one"], open: [] });
  assert.deepEqual(reachOf(undefined), { references: [], open: [] });
});

test("with an OpenRouter account the whole catalogue can be had, within the policy", () => {
  const config = { auth: { profiles: { "openrouter:default": { provider: "openrouter" } } } };
  const names = new Names(IDS);
  const all = new Offer(reachOf(config), names, ["openrouter/z-ai/glm-5.2"]);
  assert.deepEqual(all.limits, { exclude: ["z-ai/glm-5.2"] });
  assert.equal(all.referenceOf("openai/gpt-5-mini"), "openrouter/openai/gpt-5-mini");
  assert.equal(all.referenceOf("z-ai/glm-5.2"), undefined);
  const narrow = { ...config, agents: { defaults: { modelPolicy: { allow: ["openrouter/openai/*"] } } } };
  const some = new Offer(reachOf(narrow), names, []);
  assert.deepEqual(some.limits, { models: ["openai/*"] });
  assert.equal(some.referenceOf("z-ai/glm-5.2"), undefined);
  assert.deepEqual(reachOf({ ...config, models: { mode: "replace" } }).open, []);
});

test("a service of another version is recognised and said once", async () => {
  assert.equal(versionProblem("0.1.9", "0.1.0"), undefined);
  assert.equal(versionProblem("1.4.0", "1.0.0"), undefined);
  assert.match(versionProblem("0.2.0", "0.1.0"), /the service is version 0.2.0 and this plugin 0.1.0/);
  const newer = await serve({ "GET /status": { data: { version: "9.0.0", status: "ok", modelCount: 4 } } });
  try {
    const claw = host({ apiUrl: newer.url });
    await claw.spawn({ task: "x" });
    await claw.spawn({ task: "x" });
    assert.equal(claw.log.filter((line) => /warn .*version 9.0.0/.test(line)).length, 1);
    assert.match((await claw.commands["smart-spawn"].handler({ args: "status" })).text, /warning .*version 9.0.0/);
  } finally {
    await newer.close();
  }
});

test("the slash command shows status, routes a task and explains the last decision", async () => {
  const claw = host({ apiUrl: service.url });
  const say = async (args) => (await claw.commands["smart-spawn"].handler({ args })).text;
  assert.match(await say("explain"), /name a decision/);
  assert.match(await say(""), /models +2 of 3 configured can be chosen\nunknown +fake\/unheard-of/);
  assert.match(await say("route fix the test"), /^fake\/glm-5.2 \(coding, medium budget, confidence 0.80\)/);
  assert.equal(await say("explain"), "because");
  assert.match(await say("dance"), /^usage/);
});
