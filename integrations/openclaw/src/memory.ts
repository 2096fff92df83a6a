/** What is remembered while the gateway runs. Nothing is written down, and every list has a bound. */

import type { Names } from "./names.js";

/** How long a model that failed is left alone. */
export const AVOID_MS = 5 * 60_000;
/** How long a choice waits for the spawn that it was made for. */
const PENDING_MS = 10 * 60_000;
/** A child that never reported its end is forgotten after a day. */
const CHILD_MS = 24 * 3_600_000;
const MAX_KEPT = 500;

/** A choice on its way into a spawn, or the one that a child runs on. */
export interface Routed {
  readonly decisionId: string;
  /** As OpenClaw names it. */
  readonly model: string;
  /** The session that asked. */
  readonly parent: string | undefined;
  readonly at: number;
}

export class Memory {
  readonly #failing = new Map<string, number>();
  readonly #children = new Map<string, Routed>();
  #pending: Routed[] = [];
  /** The catalogue's names, with the address that they came from and the moment. */
  names: { readonly from: string; readonly at: number; readonly names: Names } | undefined;
  /** The last decision of this process, for `explain`. */
  lastDecisionId: string | undefined;
  /** What last kept spawns from being routed, so that it is said once. */
  lastProblem: string | undefined;
  /** Versions of the service that were warned about. */
  readonly warned = new Set<string>();

  constructor(readonly now: () => number = Date.now) {}

  failed(model: string): void {
    this.#failing.delete(model); // so that the newest stands last
    this.#failing.set(model, this.now());
    trim(this.#failing);
  }

  recovered(model: string): void {
    this.#failing.delete(model);
  }

  /** Models that failed within the last minutes. */
  avoided(): string[] {
    const since = this.now() - AVOID_MS;
    for (const [model, at] of this.#failing) if (at < since) this.#failing.delete(model);
    return [...this.#failing.keys()];
  }

  chosen(decisionId: string, model: string, parent: string | undefined): void {
    this.lastDecisionId = decisionId;
    const since = this.now() - PENDING_MS;
    this.#pending = this.#pending.filter((one) => one.at >= since).slice(1 - MAX_KEPT);
    this.#pending.push({ decisionId, model, parent, at: this.now() });
  }

  /** Join a child to the oldest choice of its parent that named its model. */
  spawned(child: string, model: string | undefined, parent: string | undefined): void {
    const since = this.now() - PENDING_MS;
    const at = this.#pending.findIndex(
      (one) => one.at >= since && one.model === model && (!parent || !one.parent || one.parent === parent),
    );
    const [routed] = at < 0 ? [] : this.#pending.splice(at, 1);
    if (!routed) return;
    this.#children.set(child, { ...routed, at: this.now() });
    trim(this.#children);
  }

  child(session: string): Routed | undefined {
    return this.#children.get(session);
  }

  /** Forget a child and return what it ran on. */
  ended(session: string): Routed | undefined {
    const routed = this.#children.get(session);
    this.#children.delete(session);
    const since = this.now() - CHILD_MS;
    for (const [key, one] of this.#children) if (one.at < since) this.#children.delete(key);
    return routed;
  }
}

/** Drop the oldest entries beyond the bound. */
function trim(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_KEPT) return;
    map.delete(key);
  }
}
