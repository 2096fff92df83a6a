/** Route spawns that name no model, and learn from how they end. */

import type { Config } from "./config.js";
import type { Logger, PluginApi } from "./host.js";
import type { Memory } from "./memory.js";
import type { Router } from "./router.js";
import type { Service } from "./service.js";

const FEEDBACK_MS = 5_000;

export function registerHooks(api: PluginApi, config: Config, router: Router, service: Service, memory: Memory): void {
  api.on("before_tool_call", async (event, context) => {
    // With tool search on the hook fires for `tool_call` first; only the real name is ours.
    if (config.autoRoute === false || event.toolName !== "sessions_spawn" || !routable(event.params)) return undefined;
    try {
      const task = String(event.params["task"]);
      const began = performance.now();
      const { model, pick } = await router.pick({ task }, context?.agentId, AbortSignal.timeout(config.timeoutMs));
      memory.lastProblem = undefined;
      const took = (performance.now() - began).toFixed(0);
      const verb = config.autoRoute === "advise" ? "would choose" : "chose";
      tell(api.logger, config, `${verb} ${model} in ${took} ms: ${pick.reason}`);
      if (config.autoRoute === "advise") return undefined;
      memory.chosen(pick.decisionId, model, context?.sessionKey);
      return { params: { ...event.params, model } };
    } catch (error) {
      complainOnce(api.logger, memory, `a spawn keeps OpenClaw's default model: ${(error as Error).message}`);
      return undefined;
    }
  });

  api.on("subagent_spawned", (event, context) => {
    memory.spawned(event.childSessionKey, event.resolvedModel, context?.requesterSessionKey);
  });

  api.on("model_call_ended", (event) => {
    const model = `${event.provider}/${event.model}`;
    if (event.outcome === "completed") memory.recovered(model);
    else if (event.failureKind !== "aborted") memory.failed(model); // at the first failure: OpenClaw tries for 80 s
  });

  api.on("subagent_ended", (event) => {
    const routed = memory.ended(event.targetSessionKey);
    if (!routed || !event.outcome || !JUDGED.has(event.outcome)) return;
    const outcome = event.outcome === "ok" ? "success" : "failure";
    if (outcome === "failure") memory.failed(routed.model);
    service
      .feedback({ decisionId: routed.decisionId, outcome, source: "agent" }, AbortSignal.timeout(FEEDBACK_MS))
      .catch((error: Error) => api.logger.debug?.(`smart-spawn: an outcome was not recorded: ${error.message}`));
  });
}

/** What the user ended says nothing of the model. */
const JUDGED: ReadonlySet<string> = new Set(["ok", "error", "timeout"]);

/** Tell whether a spawn asks for a task and leaves the model open. Other runtimes name models in their own way. */
function routable(params: Record<string, unknown>): boolean {
  const { task, model, runtime } = params;
  return !model && typeof task === "string" && task.trim() !== "" && (runtime === undefined || runtime === "subagent");
}

function tell(log: Logger, config: Config, message: string): void {
  const line = `smart-spawn: ${message}`;
  if (config.verbose || config.autoRoute === "advise") log.info(line);
  else log.debug?.(line);
}

/** A service that is down is said once, not with every spawn. */
function complainOnce(log: Logger, memory: Memory, message: string): void {
  if (memory.lastProblem === message) return;
  memory.lastProblem = message;
  log.warn(`smart-spawn: ${message}`);
}
