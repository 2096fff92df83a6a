/** Our own version, and what to say when the service is of another one. */

import { readFileSync } from "node:fs";

let read: string | undefined;

/** Return this plugin's version. It is read when first asked for, so that registering touches no file. */
export function pluginVersion(): string {
  if (read === undefined) {
    const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
    read = (JSON.parse(text) as { version: string }).version;
  }
  return read;
}

/** Say in one sentence that plugin and service do not belong together; undefined when they do. */
export function versionProblem(service: string, plugin: string = pluginVersion()): string | undefined {
  if (release(service) === release(plugin)) return undefined;
  return `the service is version ${service} and this plugin ${plugin}: answers may be misread; update the older one`;
}

/** Versions that agree in this understand each other: before 1.0 the first two numbers, then the first. */
function release(version: string): string {
  const [major = "", minor = ""] = version.split(".");
  return major === "0" ? `${major}.${minor}` : major;
}
