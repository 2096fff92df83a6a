/** What the agent can do itself, with `sessions_spawn`, where the service may choose models and cannot call any. */

import type { Asked, Router } from "./router.js";
import type { Mode } from "./config.js";
import type { Offer } from "./reach.js";
import type { Service } from "./service.js";

interface Asking {
  readonly asked: Asked;
  readonly agentId: string | undefined;
  readonly count: number;
  readonly signal: AbortSignal;
}

/** Return the fields of the result: which models, in which order, and what to do with them. */
export async function instructions(mode: Mode, router: Router, service: Service, asking: Asking): Promise<Record<string, unknown>> {
  if (mode === "collective") return collective(router, asking);
  if (mode === "cascade") return cascade(router, asking);
  return steps(mode, router, service, asking);
}

async function collective(router: Router, { asked, agentId, count, signal }: Asking): Promise<Record<string, unknown>> {
  const { model, fallbacks, decision } = await router.route(asked, agentId, signal);
  return {
    action: "collective",
    models: [model, ...fallbacks].slice(0, count),
    instruction: "Call sessions_spawn once for each of `models` with the whole task, then merge the answers: keep what they agree on, and settle what they do not.",
    routingDecision: decision,
  };
}

async function cascade(router: Router, { asked, agentId, signal }: Asking): Promise<Record<string, unknown>> {
  const best = await router.route(asked, agentId, signal);
  const cheap = await router.route({ ...asked, budget: "low" }, agentId, signal).catch(() => best);
  return {
    action: "cascade",
    cheapModel: cheap.model,
    premiumModel: best.model,
    instruction: "Call sessions_spawn with `cheapModel`. If its answer is wrong, incomplete or unsure, call it once more with `premiumModel`.",
    routingDecision: best.decision,
  };
}

async function steps(mode: Mode, router: Router, service: Service, { asked, agentId, signal }: Asking): Promise<Record<string, unknown>> {
  const offer = await router.offer(agentId, signal);
  const request = router.request(asked, offer);
  if (mode === "plan") {
    const plan = await service.decompose(request, signal);
    const found = plan.steps?.map((step) => ({ ...step, model: known(offer, step.model?.id) }));
    return found
      ? { action: "plan", steps: found, instruction: "Call sessions_spawn for each step in order, with its model, and give it the results of the steps before." }
      : undivided(router, asked, agentId, signal, plan.reason);
  }
  const swarm = await service.swarm(request, signal);
  const tasks = swarm.dag?.tasks.map((task) => ({ ...task, model: known(offer, task.model?.id) }));
  return tasks
    ? { action: "swarm", tasks, waves: swarm.dag?.waves, instruction: "Call sessions_spawn for all tasks of a wave at once, each with its model; begin a wave when those that its tasks depend on are done." }
    : undivided(router, asked, agentId, signal, swarm.reason);
}

/** A task that does not split is one task. */
async function undivided(router: Router, asked: Asked, agentId: string | undefined, signal: AbortSignal, why: string | null | undefined): Promise<Record<string, unknown>> {
  const { model, fallbacks, decision } = await router.route(asked, agentId, signal);
  return { action: "spawn", model, fallbacks, note: why ?? "the task does not split", routingDecision: decision };
}

function known(offer: Offer, id: string | undefined): string | null {
  return (id && offer.referenceOf(id)) || null;
}
