#!/bin/sh
# Find a Python that is new enough and hand over to bootstrap.py. A file of its own so that an old Python,
# which could not even read bootstrap.py, is answered with one clear message.
# SMART_SPAWN_PYTHON is not read here on purpose: that prefix belongs to settings. Use `make run PYTHON=...`.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for python in ${PYTHON:-python3 python3.15 python3.14 python3.13 python3.12 python3.11 python}; do
    if new_enough "$python"; then
        exec "$python" -I "$here/bootstrap.py" "$@"
    fi
done

if command -v "${PYTHON:-python3}" >/dev/null 2>&1; then
    found="\`${PYTHON:-python3}\` is $("${PYTHON:-python3}" --version 2>&1 || true)"
else
    found="there is no \`${PYTHON:-python3}\` on PATH"
fi
echo "Python 3.11 or newer is needed, but $found" >&2
echo "hint: on Debian or Ubuntu \`apt-get install python3\`; or name one: \`make run PYTHON=/path/to/python3.12\`" >&2
exit 1
