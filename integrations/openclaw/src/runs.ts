/** Have the service carry a task out on several models, and wait for it without holding a connection open. */

import { type Run, type Service, ServiceError, type SpawnRequest } from "./service.js";

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;
/** For one question about a run. */
const ANSWER_MS = 15_000;
/** How many questions in a row may fail: a service that is restarted takes its runs up again. */
const PATIENCE = 10;
const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled", "budget_exceeded", "timed_out"]);

/** Run it to its end. When `signal` fires the run is cancelled and the error says so. */
export async function carryOut(service: Service, request: SpawnRequest, signal: AbortSignal | undefined): Promise<Run> {
  const id = await service.submit(request, within(ANSWER_MS, signal));
  let failures = 0;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    await sleep(pause, signal);
    if (signal?.aborted) {
      await service.cancel(id, AbortSignal.timeout(ANSWER_MS)).catch(() => undefined); // it may just have ended
      throw new ServiceError(0, "CANCELLED", `the run ${id} was cancelled`);
    }
    try {
      const run = await service.run(id, within(ANSWER_MS, signal));
      if (ENDED.has(run.status)) return run;
      failures = 0;
    } catch (error) {
      if (!signal?.aborted && (!passing(error) || ++failures > PATIENCE)) throw error;
    }
  }
}

function within(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return signal ? AbortSignal.any([limit, signal]) : limit;
}

function passing(error: unknown): boolean {
  return error instanceof ServiceError && (error.status === 0 || error.status >= 500 || error.status === 429);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}
