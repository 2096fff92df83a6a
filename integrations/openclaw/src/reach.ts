/** Which models the user of OpenClaw really has, read from OpenClaw's configuration. */

import type { AgentConfig, HostConfig, ModelChoice } from "./host.js";
import type { Names } from "./names.js";

/** A provider whose models need not be listed: with an account every model of its catalogue can be named. */
const OPEN = "openrouter";
/** References to ourselves: routing to the router helps nobody. */
const OURSELVES = "smart-spawn/";

/** What may be asked for: models that are named, and patterns of those that need not be named. */
export interface Reach {
  /** References, in the order of preference: what agents use comes first. */
  readonly references: readonly string[];
  /** Patterns over the catalogue's ids that can be had as `openrouter/ID`; `*` is every model. */
  readonly open: readonly string[];
}

/** Read the models that an agent may use. References that the user's `modelPolicy` does not allow are left out. */
export function reachOf(config: HostConfig | undefined, agentId?: string): Reach {
  const agents = config?.agents;
  const own = agentId ? agents?.entries?.[agentId] : undefined;
  const allow = (own?.modelPolicy ?? agents?.defaults?.modelPolicy)?.allow ?? [];
  const everybody = [own, agents?.defaults, ...Object.values(agents?.entries ?? {})];
  const named = [
    ...everybody.flatMap(choicesOf),
    ...listed(config),
    ...allow.filter((entry) => !entry.endsWith("*")),
  ].filter((reference) => reference.includes("/") && !reference.startsWith(OURSELVES));
  const references = [...new Set(named)].filter((reference) => allowed(reference, allow));
  return { references, open: hasAccount(config) ? openPatterns(allow) : [] };
}

/** The models of a reach, each with the catalogue's id, in both directions. */
export class Offer {
  readonly #references = new Map<string, string>();

  /** `avoided` are references that shall not be used for now. */
  constructor(
    private readonly reach: Reach,
    names: Names,
    private readonly avoided: readonly string[],
  ) {
    for (const reference of reach.references) {
      const id = names.idOf(reference);
      if (id && !avoided.includes(reference) && !this.#references.has(id)) this.#references.set(id, reference);
    }
  }

  get empty(): boolean {
    return this.#references.size === 0 && this.reach.open.length === 0;
  }

  /** The part of a request that keeps the service to these models. */
  get limits(): { models?: string[]; exclude?: string[] } {
    const opened = this.reach.open.length > 0;
    const exclude = opened
      ? this.avoided.filter((ref) => ref.startsWith(`${OPEN}/`)).map((ref) => ref.slice(OPEN.length + 1))
      : [];
    const everything = this.reach.open.includes("*");
    return {
      ...(everything ? {} : { models: [...this.#references.keys(), ...this.reach.open] }),
      ...(exclude.length > 0 ? { exclude } : {}),
    };
  }

  /** Return the reference that OpenClaw knows a model of the catalogue by; undefined where the user does not have it. */
  referenceOf(id: string): string | undefined {
    const named = this.#references.get(id);
    if (named) return named;
    const reference = `${OPEN}/${id}`;
    const open = this.reach.open.some((pattern) => matches(id, pattern));
    return open && !this.avoided.includes(reference) ? reference : undefined;
  }
}

function choicesOf(agent: AgentConfig | undefined): string[] {
  return [...spread(agent?.subagents?.model), ...spread(agent?.model)];
}

function spread(choice: ModelChoice | undefined): string[] {
  if (!choice) return [];
  if (typeof choice === "string") return [choice];
  return [choice.primary, ...(choice.fallbacks ?? [])].filter((each) => typeof each === "string");
}

function listed(config: HostConfig | undefined): string[] {
  return Object.entries(config?.models?.providers ?? {}).flatMap(([provider, row]) =>
    (row?.models ?? []).flatMap(({ id }) => (id ? [`${provider}/${id}`] : [])),
  );
}

function hasAccount(config: HostConfig | undefined): boolean {
  if (config?.models?.mode === "replace") return false; // then only listed models can be used
  const profiles = Object.values(config?.auth?.profiles ?? {});
  return profiles.some((profile) => profile?.provider === OPEN) || config?.models?.providers?.[OPEN] !== undefined;
}

function openPatterns(allow: readonly string[]): string[] {
  if (allow.length === 0) return ["*"];
  return allow
    .filter((entry) => entry.startsWith(`${OPEN}/`) && entry.endsWith("*"))
    .map((entry) => entry.slice(OPEN.length + 1));
}

function allowed(reference: string, allow: readonly string[]): boolean {
  return allow.length === 0 || allow.some((pattern) => matches(reference, pattern));
}

/** OpenClaw's patterns are a whole reference, or its beginning followed by `*`. */
function matches(text: string, pattern: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
