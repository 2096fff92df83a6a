/** Wire the parts together. OpenClaw calls this several times per process: it opens, reads and starts nothing. */

import { readConfig } from "./config.js";
import { registerHooks } from "./hooks.js";
import type { PluginApi } from "./host.js";
import { Memory } from "./memory.js";
import { registerCommands } from "./people.js";
import { Router } from "./router.js";
import { Service } from "./service.js";
import { registerTools } from "./tools.js";

/** Shared by all registrations of a process: a tool's choice is joined to the spawn that a hook sees. */
const MEMORY = new Memory();

export function register(api: PluginApi, memory: Memory = MEMORY): void {
  const config = readConfig(api.pluginConfig);
  const service = new Service(config);
  const router = new Router(config, service, () => api.config, memory, api.logger);
  registerHooks(api, config, router, service, memory);
  registerTools(api, config, router, service, memory);
  registerCommands(api, config, router, service, memory);
}
