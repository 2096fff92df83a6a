/** What we use of OpenClaw's plugin API, by shape. Checked against openclaw 2026.9.6. */

export interface Logger {
  debug?(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

/** The parts of OpenClaw's configuration that say which models the user has. */
export interface HostConfig {
  models?: { mode?: string; providers?: Record<string, { models?: Array<{ id?: string }> } | undefined> };
  auth?: { profiles?: Record<string, { provider?: string } | undefined> };
  agents?: {
    defaults?: AgentConfig & { models?: Record<string, unknown> };
    entries?: Record<string, AgentConfig | undefined>;
  };
}

export interface AgentConfig {
  model?: ModelChoice;
  subagents?: { model?: ModelChoice };
  modelPolicy?: { allow?: string[] };
}

/** A reference such as `openrouter/vendor/model`, alone or with what to try after it. */
export type ModelChoice = string | { primary?: string; fallbacks?: string[] };

export interface ToolResult {
  content: Array<{ type: "text"; text: string }>;
  details: Record<string, unknown>;
}

export interface Tool {
  name: string;
  label: string;
  description: string;
  /** Keeps the tool in the model's own list when OpenClaw hides others behind its tool search. */
  catalogMode: "direct-only";
  parameters: Record<string, unknown>;
  execute(callId: string, params: Record<string, unknown>, signal?: AbortSignal): Promise<ToolResult>;
}

export interface ToolContext {
  agentId?: string;
  sessionKey?: string;
}

export interface BeforeToolCall {
  toolName: string;
  params: Record<string, unknown>;
  toolCallId?: string;
}

export interface SubagentSpawned {
  runId?: string;
  childSessionKey: string;
  label?: string;
  resolvedModel?: string;
}

export interface ModelCallEnded {
  sessionKey?: string;
  provider: string;
  model: string;
  outcome: "completed" | "error";
  errorCategory?: string;
  failureKind?: string;
}

export interface SubagentEnded {
  targetSessionKey: string;
  outcome?: "ok" | "error" | "timeout" | "killed" | "reset" | "deleted";
}

export interface Hooks {
  before_tool_call(
    event: BeforeToolCall,
    context?: ToolContext,
  ): Promise<{ params: Record<string, unknown> } | undefined>;
  subagent_spawned(event: SubagentSpawned, context?: { requesterSessionKey?: string }): void;
  model_call_ended(event: ModelCallEnded): void;
  subagent_ended(event: SubagentEnded): void;
}

/** The part of Commander's `Command` that we use. */
export interface Program {
  command(usage: string): Program;
  description(text: string): Program;
  option(flags: string, text: string): Program;
  action(handler: (...given: never[]) => Promise<void>): Program;
}

export interface PluginApi {
  config: HostConfig;
  pluginConfig?: Record<string, unknown>;
  logger: Logger;
  registerTool(tool: Tool | ((context: ToolContext) => Tool), options: { name: string }): void;
  on<Name extends keyof Hooks>(name: Name, handler: Hooks[Name]): void;
  registerCommand(command: {
    name: string;
    description: string;
    acceptsArgs: boolean;
    handler(context: { args?: string; sessionKey?: string; config?: HostConfig }): Promise<{ text: string }>;
  }): void;
  registerCli(
    registrar: (context: { program: Program; config?: HostConfig }) => void,
    options: { commands: string[]; descriptors: Array<{ name: string; description: string; hasSubcommands: boolean }> },
  ): void;
}
