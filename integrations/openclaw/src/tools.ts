/** The tools that agents see: `smart_spawn` and `smart_spawn_feedback`. */

import { BUDGETS, CATEGORIES, type Config, MODES, type Mode } from "./config.js";
import type { PluginApi, Tool, ToolContext, ToolResult } from "./host.js";
import { instructions } from "./instructions.js";
import type { Memory } from "./memory.js";
import type { Asked, Router } from "./router.js";
import { carryOut } from "./runs.js";
import { type Decision, type Rating, type Run, type Service, ServiceError } from "./service.js";

/** Making a plan asks the service more than once. */
const PLANNING_MS = 20_000;
const RATING_MS = 5_000;

const text = (description: string) => ({ type: "string", description });
const texts = { type: "array", items: { type: "string" } };
const PARAMETERS = {
  type: "object",
  additionalProperties: false,
  required: ["task"],
  properties: {
    task: text("what the sub-agent shall do, complete"),
    category: { type: "string", enum: CATEGORIES },
    budget: { type: "string", enum: BUDGETS, description: "by price: low, medium, high, any" },
    mode: { type: "string", enum: MODES, description: "single chooses a model; the others do the task" },
    label: text("a name for the spawn, returned as it is"),
    context: { ...texts, description: "tags such as typescript" },
    require: { type: "array", items: { type: "string", enum: ["vision", "functionCalling", "json", "reasoning"] } },
    minContext: { type: "integer", minimum: 0, description: "tokens" },
    exclude: { ...texts, description: "model ids" },
    collectiveCount: { type: "integer", minimum: 2, maximum: 5 },
    diversity: { type: "string", enum: ["low", "medium", "high"] },
    minConfidence: { type: "number", minimum: 0, maximum: 1, description: "cascade: below it the next model is asked" },
    maxEscalation: { type: "integer", minimum: 0, maximum: 10 },
    judge: text("collective, cascade: model id"),
    steps: { ...texts, description: "plan, swarm: the steps, if you know them" },
    role: text("persona of the models"),
    maxCostUsd: { type: "number", exclusiveMinimum: 0 },
    timeoutS: { type: "number", exclusiveMinimum: 0 },
  },
};
/** What only a run understands. */
const OF_RUNS = ["diversity", "minConfidence", "maxEscalation", "judge", "steps", "role", "maxCostUsd", "timeoutS"];
const OF_ROUTING = ["category", "budget", "context", "require", "minContext", "exclude"];

export function registerTools(api: PluginApi, config: Config, router: Router, service: Service, memory: Memory): void {
  api.registerTool((context) => smartSpawn(config, router, service, memory, context ?? {}), { name: "smart_spawn" });
  api.registerTool(feedbackTool(config, service), { name: "smart_spawn_feedback" });
}

function smartSpawn(config: Config, router: Router, service: Service, memory: Memory, context: ToolContext): Tool {
  return {
    name: "smart_spawn",
    label: "Smart Spawn",
    catalogMode: "direct-only",
    description:
      "Choose the best model for a sub-agent task within budget, for sessions_spawn; or run the task on several models (mode).",
    parameters: PARAMETERS,
    async execute(_id, params, signal) {
      const mode = (params["mode"] as Mode | undefined) ?? config.defaultMode;
      const asked = { task: String(params["task"] ?? ""), ...some(params, OF_ROUTING) } as Asked;
      const echoed = { ...some(params, ["label"]), task: asked.task, mode, ...budgetOf(asked, config) };
      try {
        return mode === "single"
          ? await single(config, router, memory, context, asked, echoed, signal)
          : await several(mode, config, router, service, context, asked, params, echoed, signal);
      } catch (error) {
        // A thrown message would not reach the agent.
        const reason = (error as Error).message;
        return mode === "single"
          ? answer({ action: "spawn", model: null, ...echoed, reason, source: "fallback" }, config)
          : answer({ action: "failed", ...echoed, error: reason, source: "api" }, config);
      }
    },
  };
}

async function single(config: Config, router: Router, memory: Memory, context: ToolContext, asked: Asked, echoed: object, signal?: AbortSignal): Promise<ToolResult> {
  const limit = AbortSignal.timeout(config.timeoutMs);
  const { model, fallbacks, decision } = await router.route(asked, context.agentId, signal ? AbortSignal.any([limit, signal]) : limit);
  memory.chosen(decision.id, model, context.sessionKey);
  const found = {
    action: "spawn",
    model,
    ...echoed,
    category: decision.task.category,
    budget: decision.budget,
    reason: decision.reason,
    confidence: decision.confidence,
    reasoningEffort: decision.selected.reasoningEffort,
    fallbacks,
    decisionId: decision.id,
    source: "api",
    ...(decision.warnings.length > 0 ? { warnings: decision.warnings } : {}),
    routingDecision: decision,
  };
  return answer(found, config);
}

async function several(mode: Mode, config: Config, router: Router, service: Service, context: ToolContext, asked: Asked, params: Record<string, unknown>, echoed: object, signal?: AbortSignal): Promise<ToolResult> {
  const count = Number(params["collectiveCount"] ?? config.collectiveCount);
  const weights = config.categoryWeights ? { categoryWeights: config.categoryWeights } : {};
  const request = {
    ...budgetOf(asked, config),
    ...weights,
    ...asked,
    ...some(params, OF_RUNS),
    mode,
    ...(mode === "collective" ? { count } : {}),
  };
  try {
    return answer({ ...ended(await carryOut(service, request, signal)), ...echoed, source: "api" }, config);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== "NO_PROVIDER") throw error;
    const limit = AbortSignal.timeout(PLANNING_MS);
    const asking = { asked, agentId: context.agentId, count, signal: signal ? AbortSignal.any([limit, signal]) : limit };
    const found = await instructions(mode, router, service, asking);
    return answer({ ...found, ...echoed, reason: error.message, source: "instructions" }, config);
  }
}

function ended(run: Run): Record<string, unknown> {
  const common = { runId: run.id, cost: run.cost, warnings: run.warnings ?? [], routingDecision: run.routingDecision };
  if (run.status !== "succeeded") {
    const why = run.error ? run.error.message : `the run ended as ${run.status}`;
    return { action: "failed", error: why, output: run.output ?? "", ...common };
  }
  return {
    action: "done",
    output: run.output,
    model: run.model,
    ...common,
    ...some(run, ["consensus", "escalations", "confidence", "belowThreshold"]),
    ...(run.artifacts ? { artifacts: run.artifacts.map(({ step, name, model }) => ({ step, name, model })) } : {}),
  };
}

function feedbackTool(config: Config, service: Service): Tool {
  let instanceId: string | undefined; // of this process: nothing is kept that could name the user
  return {
    name: "smart_spawn_feedback",
    label: "Smart Spawn feedback",
    catalogMode: "direct-only",
    description: "Rate (1-5) what a model made of a routed task, so that later choices are better.",
    parameters: {
      type: "object",
      additionalProperties: false,
      required: ["model", "category", "rating"],
      properties: {
        model: text("model id"),
        category: { type: "string", enum: CATEGORIES },
        rating: { type: "integer", minimum: 1, maximum: 5 },
        context: text("tags, separated by commas"),
      },
    },
    async execute(_id, params) {
      const tags = String(params["context"] ?? "").split(",").map((tag) => tag.trim()).filter(Boolean);
      const rating: Rating = {
        model: String(params["model"]),
        category: params["category"] as Rating["category"],
        rating: Number(params["rating"]),
        ...(tags.length > 0 ? { context: tags } : {}),
      };
      try {
        await service.rate(rating, AbortSignal.timeout(RATING_MS));
      } catch (error) {
        return answer({ recorded: false, ...rating, error: (error as Error).message }, config);
      }
      if (!config.telemetryOptIn) return answer({ recorded: true, ...rating }, config);
      const { model, category } = rating;
      instanceId ??= crypto.randomUUID(); // not before: loading it takes longer than registering
      const shared = await service
        .report({ model, category, rating: rating.rating, instanceId }, AbortSignal.timeout(RATING_MS))
        .then(() => ({ shared: true }))
        .catch((error: Error) => ({ shared: false, sharing: error.message }));
      return answer({ recorded: true, ...rating, ...shared }, config);
    },
  };
}

/** The model reads all but the decision. Programs find that in `details`, with its evidence only if `verbose` asks for it:
 * behind OpenClaw's tool search the model reads the details too, and the evidence is 30 KB. */
function answer(details: Record<string, unknown>, config: Config): ToolResult {
  const { routingDecision, ...short } = details;
  const shown = config.verbose ? routingDecision : withoutEvidence(routingDecision as Decision | undefined);
  return {
    content: [{ type: "text", text: JSON.stringify(short) }],
    details: shown ? { ...short, routingDecision: shown } : short,
  };
}

function withoutEvidence(decision: Decision | undefined): Record<string, unknown> | undefined {
  if (!decision) return undefined;
  const { candidates: _candidates, rejectedModels: _rejected, ...rest } = decision;
  const { evidence: _evidence, missingEvidence: _missing, ...selected } = decision.selected;
  return { ...rest, selected };
}

function budgetOf(asked: Asked, config: Config): { budget?: NonNullable<Asked["budget"]> } {
  const budget = asked.budget ?? config.defaultBudget;
  return budget ? { budget } : {};
}

/** Return the named fields that have a value. */
function some(values: object, names: readonly string[]): Record<string, unknown> {
  const found = values as Record<string, unknown>;
  return Object.fromEntries(names.flatMap((name) => (found[name] === undefined || found[name] === null ? [] : [[name, found[name]]])));
}
