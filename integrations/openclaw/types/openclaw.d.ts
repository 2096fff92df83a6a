// The one value that we import from OpenClaw. Declared here so that building and testing need no OpenClaw.
declare module "openclaw/plugin-sdk/plugin-entry" {
  export function definePluginEntry<T extends { id: string; name: string; description: string; register(api: never): void }>(
    entry: T,
  ): unknown;
}
