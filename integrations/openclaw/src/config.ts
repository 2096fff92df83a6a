/** The plugin's own configuration, `plugins.entries.smart-spawn.config`, with its defaults. */

import type { components } from "./api.gen.js";

export type Budget = components["schemas"]["Budget"];
export type Mode = components["schemas"]["Mode"];

export const BUDGETS: readonly Budget[] = ["low", "medium", "high", "any"];
export const MODES: readonly Mode[] = ["single", "collective", "cascade", "plan", "swarm"];
export const CATEGORIES = ["coding", "reasoning", "creative", "vision", "research", "fast-cheap", "general"] as const;

export interface Config {
  /** Without a slash at its end. */
  apiUrl: string;
  apiKey?: string;
  /** Left to the service where it is not set, as are the mode and the weights. */
  defaultBudget?: Budget;
  defaultMode: Mode;
  categoryWeights?: Record<string, number>;
  verbose: boolean;
  collectiveCount: number;
  autoRoute: boolean | "advise";
  /** The longest that a spawn is held up, in milliseconds. */
  timeoutMs: number;
  telemetryOptIn: boolean;
  communityUrl: string;
}

/** Fill in the defaults. OpenClaw has checked the values against our schema before. */
export function readConfig(given: Record<string, unknown> | undefined): Config {
  const set = (given ?? {}) as Partial<Config>;
  const apiUrl = (set.apiUrl ?? "http://127.0.0.1:3000/api").replace(/\/+$/, "");
  return {
    ...set,
    apiUrl,
    defaultMode: set.defaultMode ?? "single",
    verbose: set.verbose ?? false,
    collectiveCount: set.collectiveCount ?? 3,
    autoRoute: set.autoRoute ?? true,
    timeoutMs: set.timeoutMs ?? 1_500,
    telemetryOptIn: set.telemetryOptIn ?? false,
    communityUrl: (set.communityUrl ?? apiUrl).replace(/\/+$/, ""),
  };
}
