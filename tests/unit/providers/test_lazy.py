"""What is not used is not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["smart_spawn", "smart_spawn.providers.registry", "smart_spawn.spawn.carry"]
)
def test_the_openai_package_is_loaded_with_the_first_call_only(module: str) -> None:
    """Its import costs about two seconds of CPU, which a routing question must not pay."""
    code = f"import sys, {module}; sys.exit(any(m in sys.modules for m in ('openai', 'aiohttp', 'httpx2')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
