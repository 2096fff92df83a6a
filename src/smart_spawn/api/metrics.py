"""What Prometheus reads: requests as they are answered, and at each look the state of catalogue, sources and runs.

Names of routes are those of the document, never what a client sent; nothing of a task is ever a label.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from smart_spawn import __version__
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import StoreError
from smart_spawn.surface.status import status_json

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own variable: a folder in which the processes of one service add up what they count."""
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OTHER: Final = "other"
"""The route of whatever is no route of ours."""


class Metrics:
    """Counts the requests of one process, and writes all that is known as text."""

    def __init__(self, app: SmartSpawn) -> None:
        self._shared = bool(os.environ.get(SHARED))
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "smart_spawn_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "smart_spawn_request_seconds",
            "How long answers took.",
            ("route",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._state = _State(app)
        if not self._shared:
            self._registry.register(self._state)
            ProcessCollector(registry=self._registry)
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        key = (method, route, status)
        counters = self._known.get(key)
        if counters is None:
            counters = (self._requests.labels(method, route, str(status)), self._seconds.labels(route))
            self._known[key] = counters
        counters[0].inc()
        counters[1].observe(seconds)

    def text(self) -> bytes:
        """Return everything in the format of Prometheus. Reads the store."""
        if not self._shared:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # not annotated there
        together.register(self._state)
        return generate_latest(together)


class _State(Collector):
    """What is true at the moment of the look, in whichever process it is asked."""

    def __init__(self, app: SmartSpawn) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """Give every gauge."""
        status = status_json(self._app)["data"]
        yield _gauge(
            "smart_spawn_info",
            "Which release and catalogue answers.",
            {
                (("version", __version__), ("catalog", status["catalogVersion"] or "")): 1,
            },
        )
        yield _gauge("smart_spawn_models", "Models in the catalogue.", {(): status["modelCount"]})
        yield from self._sources(status["sources"])
        yield from self._runs()
        yield _gauge(
            "smart_spawn_rows_dropped",
            "Rows of the log that did not fit, since this process began.",
            {(): self._app.store.writer.state.dropped},
        )

    def _sources(self, sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
        on = {name: row for name, row in sources.items() if row["status"] != "off"}
        yield _gauge(
            "smart_spawn_source_ok",
            "1 when a source's data is as fresh as it should be, else 0.",
            {(("source", name),): float(row["status"] == "ok") for name, row in on.items()},
        )
        yield _gauge(
            "smart_spawn_source_readings",
            "What a source's data in use holds.",
            {(("source", name),): row["count"] for name, row in on.items()},
        )

    def _runs(self) -> Iterator[Metric]:
        try:
            counts = self._app.store.runs.counts()
        except StoreError:
            return  # the look tells the rest all the same
        yield _gauge(
            "smart_spawn_runs",
            "Runs that are kept, by state.",
            {(("status", name),): number for name, number in counts.by_status.items()},
        )
        yield _gauge(
            "smart_spawn_runs_spent_usd", "What the runs that are kept cost.", {(): float(counts.spent_usd)}
        )
        waiting = 0.0
        if counts.oldest_queued_at is not None:
            waiting = max(0.0, (self._app.now() - counts.oldest_queued_at).total_seconds())
        yield _gauge("smart_spawn_run_wait_seconds", "How long the oldest queued run waits.", {(): waiting})


def _gauge(name: str, words: str, values: Mapping[tuple[tuple[str, str], ...], float]) -> GaugeMetricFamily:
    labels = next(([key for key, _ in labels] for labels in values), [])
    family = GaugeMetricFamily(name, words, labels=labels)
    for pairs, value in values.items():
        family.add_metric([text for _, text in pairs], value)
    return family
