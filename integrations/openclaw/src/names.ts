/**
 * Which model of the service's catalogue a reference of OpenClaw means.
 *
 * OpenClaw writes `anthropic/claude-opus-4-6` or `openrouter/z-ai/glm-5.2`, the catalogue `anthropic/claude-opus-4.6`
 * and `z-ai/glm-5.2`. The rules are exact: a wrong model costs more than one that is not offered.
 */
export class Names {
  readonly #ids: ReadonlySet<string>;
  readonly #byTail = new Map<string, string[]>();

  constructor(ids: Iterable<string>) {
    this.#ids = new Set(ids);
    for (const id of this.#ids) {
      if (id.includes(":")) continue; // a variant such as `:free` is another offer, found by its whole id alone
      const tail = spelled(lastSegment(id));
      this.#byTail.set(tail, [...(this.#byTail.get(tail) ?? []), id]);
    }
  }

  get size(): number {
    return this.#ids.size;
  }

  /** Return the catalogue's id, or undefined where none or more than one model could be meant. */
  idOf(reference: string): string | undefined {
    const segments = reference.split("/");
    for (let from = 0; from < segments.length - 1; from++) {
      const id = segments.slice(from).join("/");
      if (this.#ids.has(id)) return id;
    }
    const tail = spelled(lastSegment(reference));
    const found = this.#byTail.get(tail) ?? this.#byTail.get(undated(tail)) ?? [];
    if (found.length === 1) return found[0];
    return found.find((id) => id.startsWith(`${segments[0]}/`));
  }
}

function lastSegment(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

/** `Claude-Opus-4.6` and `claude-opus-4-6` are spellings of one name. */
function spelled(name: string): string {
  return name.toLowerCase().replace(/[._@]/g, "-");
}

function undated(name: string): string {
  return name.replace(/-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, "");
}
