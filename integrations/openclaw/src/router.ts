/** Ask the service for a model that the user has. */

import type { Config } from "./config.js";
import type { HostConfig, Logger } from "./host.js";
import type { Memory } from "./memory.js";
import { Names } from "./names.js";
import { Offer, reachOf } from "./reach.js";
import type { Decision, Pick, RouteRequest, Service } from "./service.js";
import { versionProblem } from "./version.js";

/** How long the catalogue's names are used before they are asked for again, beside the next request. */
const NAMES_MS = 15 * 60_000;
/** Our longest request: the service takes 200,000 characters, and the beginning says what is to be done. */
const MAX_TASK_CHARS = 100_000;
const BACKGROUND_MS = 10_000;

export interface Choice {
  /** As OpenClaw names it. */
  readonly model: string;
  readonly fallbacks: string[];
}

export type Asked = Partial<Omit<RouteRequest, "models">> & { task: string };

export class Router {
  constructor(
    private readonly config: Config,
    private readonly service: Service,
    private readonly host: () => HostConfig | undefined,
    private readonly memory: Memory,
    private readonly log: Logger,
  ) {}

  /** Choose in few bytes, for the hook. Throws with the reason where there is nothing to choose. */
  async pick(asked: Asked, agentId: string | undefined, signal: AbortSignal): Promise<Choice & { pick: Pick }> {
    const offer = await this.offer(agentId, signal);
    const pick = await this.service.pick(this.request(asked, offer), signal);
    return { ...chosen(offer, pick.id, pick.fallbacks), pick };
  }

  /** Choose with all the reasons, for the tool and for people. */
  async route(asked: Asked, agentId: string | undefined, signal: AbortSignal): Promise<Choice & { decision: Decision }> {
    const offer = await this.offer(agentId, signal);
    const decision = await this.service.route(this.request(asked, offer), signal);
    return { ...chosen(offer, decision.selected.model, decision.fallbacks), decision };
  }

  /** Return what the user has, as far as the catalogue knows it. Throws where that is nothing. */
  async offer(agentId: string | undefined, signal: AbortSignal): Promise<Offer> {
    const reach = reachOf(this.host(), agentId);
    if (reach.references.length === 0 && reach.open.length === 0) {
      throw new Error("OpenClaw's configuration names no model to choose from");
    }
    const offer = new Offer(reach, await this.names(signal), this.memory.avoided());
    if (offer.empty) {
      const named = reach.references.slice(0, 5).join(", ");
      throw new Error(`none of the ${reach.references.length} configured models can be chosen (${named}): unknown to the catalogue, or failing at present`);
    }
    return offer;
  }

  /** Fill in the configuration's defaults and the user's models. */
  request(asked: Asked, offer: Offer): RouteRequest {
    const limits = offer.limits;
    const exclude = [...new Set([...(asked.exclude ?? []), ...(limits.exclude ?? [])])];
    return {
      ...(this.config.defaultBudget ? { budget: this.config.defaultBudget } : {}),
      ...(this.config.categoryWeights ? { categoryWeights: this.config.categoryWeights } : {}),
      ...asked,
      task: asked.task.slice(0, MAX_TASK_CHARS),
      ...(limits.models ? { models: limits.models } : {}),
      ...(exclude.length > 0 ? { exclude } : {}),
    };
  }

  private async names(signal: AbortSignal): Promise<Names> {
    const known = this.memory.names;
    if (known?.from === this.config.apiUrl) {
      if (this.memory.now() - known.at > NAMES_MS) {
        this.memory.names = { ...known, at: this.memory.now() }; // one question is enough
        this.load(AbortSignal.timeout(BACKGROUND_MS)).catch(() => undefined); // the old names stay
      }
      return known.names;
    }
    return this.load(signal);
  }

  private async load(signal: AbortSignal): Promise<Names> {
    const [ids, status] = await Promise.all([
      this.service.modelIds(signal),
      this.service.status(signal).catch(() => undefined),
    ]);
    const problem = status && versionProblem(status.version);
    if (problem && !this.memory.warned.has(problem)) {
      this.memory.warned.add(problem);
      this.log.warn(`smart-spawn: ${problem}`);
    }
    const names = new Names(ids);
    this.memory.names = { from: this.config.apiUrl, at: this.memory.now(), names };
    return names;
  }
}

function chosen(offer: Offer, id: string, fallbacks: readonly string[] = []): Choice {
  const model = offer.referenceOf(id);
  if (!model) throw new Error(`the service chose ${id}, which is not among the configured models`);
  return { model, fallbacks: fallbacks.flatMap((each) => offer.referenceOf(each) ?? []) };
}
