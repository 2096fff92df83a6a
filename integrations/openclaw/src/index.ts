import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";
import type { PluginApi } from "./host.js";
import { register } from "./register.js";

export default definePluginEntry({
  id: "smart-spawn",
  name: "Smart Spawn",
  description: "Picks a model for each task that is delegated to a sub-agent, within your budget, and says why.",
  register: (api: PluginApi) => register(api), // OpenClaw may pass more than the API
});
