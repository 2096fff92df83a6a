"""Derive routing/hosts.json: which companies host each model, where they sit, what they do with prompts.

    python scripts/derive_hosts.py FOLDER          (the folder that holds openrouter/)

Facts only, from OpenRouter's list of providers and its endpoint statistics of the day in the file names.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[1] / "src" / "smart_spawn" / "routing" / "hosts.json"


def newest(folder: Path, pattern: str) -> Path:
    """Return the file whose name holds the latest date."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise SystemExit(f"no `{pattern}` in {folder}")
    return found[-1]


def text(path: Path) -> str:
    """Read a file, unpacked where it is compressed."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")


def main() -> None:
    """Write the file anew."""
    folder = Path(sys.argv[1]) / "openrouter"
    providers = newest(folder, "providers_*.json.gz")
    endpoints = newest(folder, "endpoint_stats_*.csv.gz")
    chat = {m["id"] for m in json.loads(text(newest(folder, "models_*.json")))["data"]}
    hosts: dict[str, Any] = {
        row["slug"]: {
            "region": row.get("headquarters"),
            "trains": row["dataPolicy"].get("training"),
            "retains": row["dataPolicy"].get("retainsPrompts"),
        }
        for row in json.loads(text(providers))
    }
    models: defaultdict[str, set[str]] = defaultdict(set)
    for row in csv.DictReader(io.StringIO(text(endpoints))):
        slug = row["provider_slug"].partition("/")[0]
        model = row["model_slug"] if row["variant"] == "standard" else f"{row['model_slug']}:{row['variant']}"
        if model in chat and slug in hosts and row["is_disabled"] != "True":
            models[model].add(slug)
    used = {slug for slugs in models.values() for slug in slugs}
    body = {
        "as_of": providers.name.removeprefix("providers_").removesuffix(".json.gz"),
        "source": "OpenRouter: providers with their published data policies, and endpoints per model",
        "hosts": {slug: hosts[slug] for slug in sorted(used)},
        "models": {model: sorted(slugs) for model, slugs in sorted(models.items())},
    }
    OUT.write_text(json.dumps(body, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(used)} hosts, {len(models)} models, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
