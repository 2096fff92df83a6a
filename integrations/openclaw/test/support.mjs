// A hand-made OpenClaw and a hand-made service, both as small as the tests need.

import { createServer } from "node:http";
import { register } from "../dist/register.js";
import { Memory } from "../dist/memory.js";

export const IDS = ["anthropic/claude-opus-4.6", "z-ai/glm-5.2", "openai/gpt-5-mini", "openai/gpt-5-mini:free"];

export const CONFIG = {
  models: { providers: { fake: { models: [{ id: "glm-5.2" }, { id: "unheard-of" }] }, anthropic: { models: [{ id: "claude-opus-4-6" }] } } },
  agents: { defaults: { model: { primary: "anthropic/claude-opus-4-6" } } },
};

export function decision(model, more = {}) {
  return {
    id: "dec_1", task: { category: "coding" }, budget: "medium", selected: { model, reasoningEffort: "high" },
    reason: `${model} leads.`, confidence: 0.8, fallbacks: ["anthropic/claude-opus-4.6", "openai/gpt-5-mini"], warnings: [], ...more,
  };
}

export function pick(model) {
  return { data: { id: model, reason: `${model} leads.`, decisionId: "dec_1", fallbacks: [], confidence: 0.8, category: "coding", budget: "medium" } };
}

/** Start a service that answers `METHOD /path` with what `routes` says: a value, or a function of the body. */
export async function serve(routes) {
  const seen = [];
  const answers = {
    "GET /models": { data: IDS.map((id) => ({ id })) },
    "GET /status": { data: { version: "0.1.0", status: "ok", modelCount: IDS.length } },
    "POST /pick": pick("z-ai/glm-5.2"),
    "POST /route": decision("z-ai/glm-5.2"),
    ...routes,
  };
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      const raw = Buffer.concat(parts).toString();
      const path = new URL(request.url, "http://x").pathname.replace(/^\/api/, "");
      const body = raw ? JSON.parse(raw) : undefined;
      seen.push({ route: `${request.method} ${path}`, body, headers: request.headers });
      let answer = answers[`${request.method} ${path}`] ?? error(404, "NOT_FOUND", `there is no route ${path}`);
      if (typeof answer === "function") answer = await answer(body);
      const { status = 200, text } = answer?.status && answer.text !== undefined ? answer : { text: JSON.stringify(answer) };
      response.writeHead(status, { "content-type": "application/json" }).end(text);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/api`;
  const close = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  return { url, seen, close, asked: (route) => seen.filter((one) => one.route === route) };
}

export function error(status, code, message) {
  return { status, text: JSON.stringify({ error: { code, message, hint: "", details: {} } }) };
}

/** Register the plugin with an `api` that only collects. */
export function host(pluginConfig, config = CONFIG, clock = Date.now) {
  const found = { tools: {}, hooks: {}, commands: {}, cli: [], log: [] };
  const say = (level) => (message) => found.log.push(`${level} ${message}`);
  register(
    {
      config, pluginConfig,
      logger: { debug: say("debug"), info: say("info"), warn: say("warn") },
      registerTool: (tool, { name }) => (found.tools[name] = typeof tool === "function" ? tool({ agentId: "main", sessionKey: "agent:main:t" }) : tool),
      on: (name, handler) => (found.hooks[name] = handler),
      registerCommand: (command) => (found.commands[command.name] = command),
      registerCli: (registrar, options) => found.cli.push({ registrar, options }),
    },
    new Memory(clock),
  );
  const spawn = (params, toolName = "sessions_spawn") =>
    found.hooks.before_tool_call({ toolName, params, toolCallId: "c1" }, { agentId: "main", sessionKey: "agent:main:t" });
  const call = async (name, params, signal) => (await found.tools[name].execute("c1", params, signal)).details;
  return { ...found, spawn, call };
}
