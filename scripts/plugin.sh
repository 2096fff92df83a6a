#!/bin/sh
# Build the OpenClaw plugin and run its tests. Without node this is said, and no failure: nothing else needs node.
set -eu
cd "$(dirname -- "$0")/../integrations/openclaw"

if ! command -v npm >/dev/null 2>&1 || ! node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null; then
    echo "plugin: left out: node 20 or newer and npm are needed to build it" >&2
    exit 0
fi
# our copy of the lock file is made last, so it tells whether the installed packages are the locked ones
if ! cmp -s package-lock.json node_modules/.from-lock.json; then
    if ! npm ci --silent; then
        echo "plugin: left out: the registry of npm cannot be reached" >&2
        exit 0
    fi
    cp package-lock.json node_modules/.from-lock.json
fi
npm test --silent
