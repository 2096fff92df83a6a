/** For people: the slash command `/smart-spawn` and `openclaw smart-spawn status|route|explain`. */

import { BUDGETS, type Budget, type Config } from "./config.js";
import type { HostConfig, PluginApi } from "./host.js";
import type { Memory } from "./memory.js";
import { Names } from "./names.js";
import { Offer, reachOf } from "./reach.js";
import type { Router } from "./router.js";
import type { Service } from "./service.js";
import { pluginVersion, versionProblem } from "./version.js";

const ASKED_MS = 10_000;
const NAME = "smart-spawn";
const DESCRIPTION = "Which model a task would get, and why";
const USAGE = "usage: /smart-spawn status | route TASK | explain [DECISION]";

export function registerCommands(api: PluginApi, config: Config, router: Router, service: Service, memory: Memory): void {
  const host = () => api.config;
  api.registerCommand({
    name: NAME,
    description: DESCRIPTION,
    acceptsArgs: true,
    async handler({ args }) {
      const [word = "status", ...rest] = (args ?? "").trim().split(/\s+/).filter(Boolean);
      try {
        if (word === "status") return { text: await status(config, service, host, memory) };
        if (word === "route" && rest.length > 0) return { text: await route(router, memory, rest.join(" ")) };
        if (word === "explain") return { text: await explain(service, memory, rest[0]) };
        return { text: USAGE };
      } catch (error) {
        return { text: (error as Error).message };
      }
    },
  });
  api.registerCli(
    ({ program }) => {
      const root = program.command(NAME).description(DESCRIPTION);
      root
        .command("status")
        .description("whether the service answers, and which models it can choose from")
        .action(() => say(() => status(config, service, host, memory)));
      root
        .command("route <task...>")
        .description("choose a model for a task, and say why")
        .option("--budget <budget>", BUDGETS.join(", "))
        .action((task: string[], options: { budget?: Budget }) => say(() => route(router, memory, task.join(" "), options.budget)));
      root
        .command("explain <decision>")
        .description("the evidence behind a decision")
        .action((decision: string) => say(() => explain(service, memory, decision)));
    },
    { commands: [NAME], descriptors: [{ name: NAME, description: DESCRIPTION, hasSubcommands: true }] },
  );
}

async function say(answer: () => Promise<string>): Promise<void> {
  try {
    process.stdout.write(`${await answer()}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

/** Describe service, routing and models in a few lines. */
export async function status(config: Config, service: Service, host: () => HostConfig | undefined, memory: Memory): Promise<string> {
  const signal = AbortSignal.timeout(ASKED_MS);
  const [state, ids] = await Promise.all([service.status(signal), service.modelIds(signal)]);
  const reach = reachOf(host());
  const offer = new Offer(reach, new Names(ids), []);
  const names = new Names(ids);
  const unknown = reach.references.filter((reference) => !names.idOf(reference));
  const problem = versionProblem(state.version);
  const avoided = memory.avoided();
  return [
    `service    ${config.apiUrl}, version ${state.version}, ${state.status}, ${state.modelCount} models`,
    `plugin     version ${pluginVersion()}, autoRoute ${config.autoRoute}, waits ${config.timeoutMs} ms at most`,
    `models     ${reach.references.length - unknown.length} of ${reach.references.length} configured can be chosen${reach.open.length > 0 ? `, and openrouter/${reach.open.join(", openrouter/")}` : ""}`,
    ...(unknown.length > 0 ? [`unknown    ${unknown.slice(0, 10).join(", ")}`] : []),
    ...(offer.empty ? ["warning    nothing can be chosen: spawns keep OpenClaw's default model"] : []),
    ...(avoided.length > 0 ? [`avoided    ${avoided.join(", ")}`] : []),
    ...(problem ? [`warning    ${problem}`] : []),
  ].join("\n");
}

async function route(router: Router, memory: Memory, task: string, budget?: Budget): Promise<string> {
  const { model, fallbacks, decision } = await router.route({ task, ...(budget ? { budget } : {}) }, undefined, AbortSignal.timeout(ASKED_MS));
  memory.lastDecisionId = decision.id;
  return [
    `${model} (${decision.task.category}, ${decision.budget} budget, confidence ${decision.confidence.toFixed(2)})`,
    decision.reason,
    ...(fallbacks.length > 0 ? [`then: ${fallbacks.join(", ")}`] : []),
    `decision ${decision.id}`,
  ].join("\n");
}

async function explain(service: Service, memory: Memory, decision: string | undefined): Promise<string> {
  const id = decision ?? memory.lastDecisionId;
  if (!id) throw new Error("nothing was routed since the gateway started: name a decision");
  return (await service.explain(id, AbortSignal.timeout(ASKED_MS))).trimEnd();
}
