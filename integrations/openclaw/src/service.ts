/** A thin typed client of the Smart Spawn service. It holds no connection and no timer of its own. */

import type { components } from "./api.gen.js";
import type { Config } from "./config.js";

type Shapes = components["schemas"];
export type Pick = Shapes["Pick"];
export type Decision = Shapes["RoutingDecision"];
export type Run = Shapes["RunAnswer"];
export type Decomposed = Shapes["DecomposeAnswer"];
export type Swarm = Shapes["SwarmAnswer"];
export type Status = Shapes["Status"];
export type RouteRequest = Partial<Shapes["RouteRequest"]> & { task: string };
export type SpawnRequest = Partial<Shapes["SpawnRequest"]> & { task: string };

/** How a routed task turned out, in one word. Nothing that was said goes along. */
export type Feedback = Shapes["FeedbackBody"];
export type Rating = Shapes["OutcomeBody"];
export type Report = Shapes["ReportBody"];

/** The most bytes of an answer that are read: a list of 500 models is 400 KB. */
const MAX_ANSWER_BYTES = 8_000_000;

/** Why the service gave no usable answer. `status` is 0 when it gave none at all. */
export class ServiceError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint = "",
  ) {
    super(hint ? `${message} (${hint})` : message);
  }
}

export class Service {
  constructor(private readonly config: Config) {}

  async pick(request: RouteRequest, signal: AbortSignal): Promise<Pick> {
    return field(await this.ask("POST", "/pick", request, signal), "data", "/pick") as Pick;
  }

  async route(request: RouteRequest, signal: AbortSignal): Promise<Decision> {
    const answer = await this.ask("POST", "/route", request, signal);
    field(answer, "selected", "/route");
    return answer as Decision;
  }

  /** Have a run accepted, and return its id at once. */
  async submit(request: SpawnRequest, signal: AbortSignal): Promise<string> {
    return String(field(await this.ask("POST", "/spawn", { ...request, wait: false }, signal), "id", "/spawn"));
  }

  async run(id: string, signal: AbortSignal): Promise<Run> {
    const answer = await this.ask("GET", `/runs/${encodeURIComponent(id)}`, undefined, signal);
    field(answer, "status", "/runs");
    return answer as Run;
  }

  async cancel(id: string, signal: AbortSignal): Promise<void> {
    await this.ask("POST", `/runs/${encodeURIComponent(id)}/cancel`, undefined, signal);
  }

  async decompose(request: RouteRequest, signal: AbortSignal): Promise<Decomposed> {
    return (await this.ask("POST", "/decompose", request, signal)) as Decomposed;
  }

  async swarm(request: RouteRequest, signal: AbortSignal): Promise<Swarm> {
    return (await this.ask("POST", "/swarm", request, signal)) as Swarm;
  }

  async explain(decisionId: string, signal: AbortSignal): Promise<string> {
    return this.text("GET", `/decisions/${encodeURIComponent(decisionId)}/explain`, undefined, signal);
  }

  async status(signal: AbortSignal): Promise<Status> {
    return field(await this.ask("GET", "/status", undefined, signal), "data", "/status") as Status;
  }

  /** List the ids of the catalogue. */
  async modelIds(signal: AbortSignal): Promise<string[]> {
    const rows = field(await this.ask("GET", "/models?limit=500", undefined, signal), "data", "/models");
    return Array.isArray(rows) ? rows.map((row: { id?: unknown }) => String(row.id)) : [];
  }

  async feedback(feedback: Feedback, signal: AbortSignal): Promise<void> {
    await this.ask("POST", "/feedback", feedback, signal);
  }

  async rate(rating: Rating, signal: AbortSignal): Promise<void> {
    await this.ask("POST", "/spawn-log/outcome", rating, signal);
  }

  async report(report: Report, signal: AbortSignal): Promise<void> {
    await this.ask("POST", "/community/report", report, signal, this.config.communityUrl);
  }

  private async ask(method: string, path: string, body: object | undefined, signal: AbortSignal, base?: string): Promise<unknown> {
    const text = await this.text(method, path, body, signal, base);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new ServiceError(502, "UNREADABLE", `${base ?? this.config.apiUrl}${path} answered something that is not JSON`, WRONG_PLACE);
    }
  }

  private async text(method: string, path: string, body: object | undefined, signal: AbortSignal, base = this.config.apiUrl): Promise<string> {
    const headers: Record<string, string> = { accept: "application/json, text/plain" };
    if (body) headers["content-type"] = "application/json";
    // the key belongs to the service: it does not go along to another address
    if (this.config.apiKey && base === this.config.apiUrl) headers["authorization"] = `Bearer ${this.config.apiKey}`;
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(base + path, { method, headers, signal, redirect: "error", ...(body ? { body: JSON.stringify(body) } : {}) });
      text = await readText(answer);
    } catch (error) {
      throw unreachable(error, base);
    }
    if (!answer.ok) throw refusal(answer.status, text, path);
    return text;
  }
}

const WRONG_PLACE = "check `apiUrl`: it ends in `/api`";

async function readText(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function unreachable(error: unknown, base: string): ServiceError {
  const said = error as Error & { cause?: { code?: string; message?: string } };
  if (said.name === "TimeoutError") return new ServiceError(0, "TIMEOUT", `Smart Spawn at ${base} did not answer in time`);
  if (said.name === "AbortError") return new ServiceError(0, "ABORTED", "the call was cancelled");
  const why = said.cause?.code ?? said.cause?.message ?? said.message;
  return new ServiceError(0, "UNREACHABLE", `Smart Spawn at ${base} cannot be reached: ${why}`, "start it with `smart-spawn serve`, or set `apiUrl`");
}

function refusal(status: number, text: string, path: string): ServiceError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; hint?: string } };
    if (error?.message) return new ServiceError(status, error.code, error.message, error.hint);
  } catch {
    // said below
  }
  return new ServiceError(status, "UNREADABLE", `${path} answered ${status} in a form that is not Smart Spawn's`, WRONG_PLACE);
}

function field(answer: unknown, name: string, path: string): unknown {
  const found = answer && typeof answer === "object" ? (answer as Record<string, unknown>)[name] : undefined;
  if (found === undefined || found === null) {
    throw new ServiceError(502, "UNREADABLE", `${path} answered without \`${name}\``, "the service may be of another version: `openclaw smart-spawn status`");
  }
  return found;
}
