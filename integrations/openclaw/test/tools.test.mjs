import assert from "node:assert/strict";
import { after, test } from "node:test";
import { decision, error, host, serve } from "./support.mjs";

let polls = 0;
const run = (status, more = {}) => ({ id: "run_1", status, mode: "collective", output: "merged", model: "z-ai/glm-5.2", cost: { usd: 0.01 }, warnings: [], ...more });
const service = await serve({
  "POST /spawn": { id: "run_1", status: "queued" },
  "GET /runs/run_1": () => (++polls < 2 ? run("running", { output: "" }) : run("succeeded")),
  "POST /spawn-log/outcome": { data: { recorded: true } },
  "POST /community/report": { data: { recorded: true } },
});
after(service.close);

test("single mode answers a model for sessions_spawn, with fallbacks the user has and the whole decision", async () => {
  const claw = host({ apiUrl: service.url });
  const found = await claw.call("smart_spawn", { task: "Fix it", budget: "high", label: "l1" });
  assert.equal(found.action, "spawn");
  assert.equal(found.model, "fake/glm-5.2");
  assert.deepEqual(found.fallbacks, ["anthropic/claude-opus-4-6"]);
  assert.deepEqual([found.task, found.category, found.label, found.source], ["Fix it", "coding", "l1", "api"]);
  assert.deepEqual(found.routingDecision, decision("z-ai/glm-5.2"));
  assert.equal(service.asked("POST /route").at(-1).body.budget, "high");
});

test("evidence is in the details if verbose asks for it, and never in what the model reads", async () => {
  const routed = await serve({ "POST /route": decision("z-ai/glm-5.2", { selected: { model: "z-ai/glm-5.2", evidence: [{ z: 1 }] } }) });
  try {
    const asked = (verbose) => host({ apiUrl: routed.url, verbose }).tools.smart_spawn.execute("c", { task: "x" });
    for (const verbose of [false, true]) {
      const { content, details } = await asked(verbose);
      assert.ok(!content[0].text.includes("routingDecision"));
      assert.equal(details.routingDecision.selected.evidence !== undefined, verbose);
    }
  } finally {
    await routed.close();
  }
});

test("single mode falls back at once, with the reason, when the service cannot answer", async () => {
  const found = await host({ apiUrl: "http://127.0.0.1:9/api" }).call("smart_spawn", { task: "x" });
  assert.equal(found.model, null);
  assert.equal(found.source, "fallback");
  assert.match(found.reason, /cannot be reached/);
});

for (const mode of ["collective", "cascade", "plan", "swarm"]) {
  test(`${mode} is accepted as a run and waited for`, async () => {
    polls = 0;
    const claw = host({ apiUrl: service.url, collectiveCount: 2 });
    const found = await claw.call("smart_spawn", { task: "x", mode, maxCostUsd: 1 });
    assert.deepEqual([found.action, found.output, found.runId, found.cost.usd], ["done", "merged", "run_1", 0.01]);
    const { count, ...sent } = service.asked("POST /spawn").at(-1).body;
    assert.deepEqual(sent, { task: "x", mode, maxCostUsd: 1, wait: false });
    assert.equal(count, mode === "collective" ? 2 : undefined);
  });
}

test("a cancelled tool call cancels its run", async () => {
  const endless = await serve({
    "POST /spawn": { id: "run_1" },
    "GET /runs/run_1": run("running"),
    "POST /runs/run_1/cancel": run("cancelled"),
  });
  try {
    const stop = new AbortController();
    const called = host({ apiUrl: endless.url }).call("smart_spawn", { task: "x", mode: "swarm" }, stop.signal);
    setTimeout(() => stop.abort(), 100);
    assert.deepEqual([(await called).action, (await called).error], ["failed", "the run run_1 was cancelled"]);
    assert.equal(endless.asked("POST /runs/run_1/cancel").length, 1);
  } finally {
    await endless.close();
  }
});

test("a failed run and a refused one report the service's own message", async () => {
  const failing = await serve({
    "POST /spawn": ({ task }) => (task === "dear" ? error(402, "BUDGET_EXCEEDED", "the cap is $1") : { id: "run_1" }),
    "GET /runs/run_1": run("failed", { error: { code: "PROVIDER_ERROR", message: "all models failed", hint: "" } }),
  });
  try {
    const claw = host({ apiUrl: failing.url });
    assert.equal((await claw.call("smart_spawn", { task: "x", mode: "cascade" })).error, "all models failed");
    assert.equal((await claw.call("smart_spawn", { task: "dear", mode: "cascade" })).error, "the cap is $1");
  } finally {
    await failing.close();
  }
});

test("where the service has no provider the agent is told what to spawn itself", async () => {
  const step = { step: 1, task: "a", category: "coding", model: { id: "z-ai/glm-5.2" } };
  const planning = await serve({
    "POST /spawn": error(503, "NO_PROVIDER", "no provider is configured"),
    "POST /decompose": { decomposed: true, steps: [step] },
    "POST /swarm": { decomposed: false, reason: "one piece" },
  });
  try {
    const claw = host({ apiUrl: planning.url });
    const asked = (mode) => claw.call("smart_spawn", { task: "x", mode });
    assert.deepEqual((await asked("collective")).models, ["fake/glm-5.2", "anthropic/claude-opus-4-6"]);
    assert.equal((await asked("cascade")).cheapModel, "fake/glm-5.2");
    assert.equal((await asked("plan")).steps[0].model, "fake/glm-5.2");
    const whole = await asked("swarm");
    assert.deepEqual([whole.action, whole.model, whole.note, whole.source], ["spawn", "fake/glm-5.2", "one piece", "instructions"]);
  } finally {
    await planning.close();
  }
});

test("feedback says whether it was recorded, and is shared only by who opted in", async () => {
  const rating = { model: "z-ai/glm-5.2", category: "coding", rating: 4 };
  const recorded = await host({ apiUrl: service.url }).call("smart_spawn_feedback", rating);
  assert.deepEqual(recorded, { recorded: true, ...rating });
  assert.equal(service.asked("POST /community/report").length, 0);
  const shared = await host({ apiUrl: service.url, telemetryOptIn: true }).call("smart_spawn_feedback", rating);
  assert.equal(shared.shared, true);
  const lost = await host({ apiUrl: "http://127.0.0.1:9/api" }).call("smart_spawn_feedback", rating);
  assert.equal(lost.recorded, false);
  assert.match(lost.error, /cannot be reached/);
});

test("the key goes to the service and not to another address", async () => {
  const community = await serve({ "POST /community/report": { data: {} } });
  try {
    const claw = host({ apiUrl: service.url, apiKey: "k1", telemetryOptIn: true, communityUrl: community.url });
    await claw.call("smart_spawn_feedback", { model: "a/b", category: "coding", rating: 4 });
    assert.equal(service.asked("POST /spawn-log/outcome").at(-1).headers.authorization, "Bearer k1");
    assert.equal(community.asked("POST /community/report").at(-1).headers.authorization, undefined);
  } finally {
    await community.close();
  }
});
