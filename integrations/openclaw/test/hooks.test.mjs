import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CONFIG, error, host, pick, serve } from "./support.mjs";

const service = await serve({ "POST /feedback": { data: {} } });
after(service.close);
const last = (route) => service.asked(route).at(-1)?.body;

test("a spawn without a model runs on the model that the service chose, under the user's own name for it", async () => {
  const claw = host({ apiUrl: service.url, defaultBudget: "low", categoryWeights: { coding: 2 } });
  const changed = await claw.spawn({ task: "Fix the test", label: "fix" });
  assert.deepEqual(changed, { params: { task: "Fix the test", label: "fix", model: "fake/glm-5.2" } });
  assert.deepEqual(last("POST /pick"), {
    budget: "low", categoryWeights: { coding: 2 }, task: "Fix the test", models: ["anthropic/claude-opus-4.6", "z-ai/glm-5.2"],
  });
});

test("a named model, another tool, another runtime and the wrapper of tool search are left alone", async () => {
  const claw = host({ apiUrl: service.url });
  const before = service.seen.length;
  assert.equal(await claw.spawn({ task: "x", model: "fake/unheard-of" }), undefined);
  assert.equal(await claw.spawn({ task: "x" }, "web_search"), undefined);
  assert.equal(await claw.spawn({ id: "sessions_spawn", args: { task: "x" } }, "tool_call"), undefined);
  assert.equal(await claw.spawn({ task: "x", runtime: "acp" }), undefined);
  assert.equal(await claw.spawn({ task: "  " }), undefined);
  assert.equal(service.seen.length, before);
});

test("autoRoute false asks nobody; advise says what it would choose and changes nothing", async () => {
  const before = service.seen.length;
  assert.equal(await host({ apiUrl: service.url, autoRoute: false }).spawn({ task: "x" }), undefined);
  assert.equal(service.seen.length, before);
  const claw = host({ apiUrl: service.url, autoRoute: "advise" });
  assert.equal(await claw.spawn({ task: "x" }), undefined);
  assert.match(claw.log.join("\n"), /info smart-spawn: would choose fake\/glm-5.2/);
});

test("a service that is down, refuses, talks nonsense or is slow leaves the spawn as it was, and says so once", async () => {
  const broken = await serve({
    "POST /pick": ({ task }) =>
      task === "slow" ? new Promise((resolve) => setTimeout(resolve, 1_000, pick("z-ai/glm-5.2")))
      : task === "nonsense" ? { status: 200, text: "<html>" }
      : task === "empty" ? { data: {} }
      : error(Number(task), "REFUSED", "no"),
  });
  try {
    const claw = host({ apiUrl: broken.url, timeoutMs: 150 });
    for (const task of ["402", "422", "429", "500", "nonsense", "empty"]) assert.equal(await claw.spawn({ task }), undefined, task);
    const began = performance.now();
    assert.equal(await claw.spawn({ task: "slow" }), undefined);
    assert.ok(performance.now() - began < 400);
    assert.equal(claw.log.filter((line) => line.startsWith("warn") && line.endsWith(": no")).length, 1);
  } finally {
    await broken.close();
  }
  const claw = host({ apiUrl: "http://127.0.0.1:9/api" });
  assert.equal(await claw.spawn({ task: "x" }), undefined);
  assert.equal(await claw.spawn({ task: "x" }), undefined);
  assert.equal(claw.log.filter((line) => /cannot be reached/.test(line)).length, 1);
});

test("a choice that the user does not have is not taken", async () => {
  const wrong = await serve({ "POST /pick": pick("openai/gpt-5-mini") });
  try {
    const claw = host({ apiUrl: wrong.url });
    assert.equal(await claw.spawn({ task: "x" }), undefined);
    assert.match(claw.log.join("\n"), /gpt-5-mini, which is not among the configured models/);
  } finally {
    await wrong.close();
  }
});

test("a failing model is left out for some minutes, and comes back by itself or when it answers", async () => {
  let now = 0;
  const claw = host({ apiUrl: service.url }, CONFIG, () => now);
  const call = { sessionKey: "s", provider: "fake", model: "glm-5.2" };
  const models = async () => { await claw.spawn({ task: "x" }); return last("POST /pick").models; };
  claw.hooks.model_call_ended({ ...call, outcome: "error", failureKind: "aborted" });
  assert.equal((await models()).length, 2);
  claw.hooks.model_call_ended({ ...call, outcome: "error", errorCategory: "server" });
  assert.deepEqual(await models(), ["anthropic/claude-opus-4.6"]);
  now += 6 * 60_000;
  assert.equal((await models()).length, 2);
  claw.hooks.model_call_ended({ ...call, outcome: "error" });
  claw.hooks.model_call_ended({ ...call, outcome: "completed" });
  assert.equal((await models()).length, 2);
});

test("how a routed child ended goes to the service, with its decision and nothing else", async () => {
  const claw = host({ apiUrl: service.url });
  const ends = async (child, outcome, model = "fake/glm-5.2") => {
    await claw.spawn({ task: "secret words" });
    claw.hooks.subagent_spawned({ childSessionKey: child, resolvedModel: model }, { requesterSessionKey: "agent:main:t" });
    claw.hooks.subagent_ended({ targetSessionKey: child, outcome });
    await new Promise((resolve) => setTimeout(resolve, 30));
  };
  await ends("a", "ok");
  await ends("b", "error");
  await ends("c", "killed");
  await ends("d", "ok", "fake/other");
  const sent = service.asked("POST /feedback").map((one) => one.body);
  assert.deepEqual(sent, ["success", "failure"].map((outcome) => ({ decisionId: "dec_1", outcome, source: "agent" })));
});
