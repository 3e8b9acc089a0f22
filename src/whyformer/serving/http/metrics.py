"""Counts and times for Prometheus."""

from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of one server. No metric contains a text, and the labels have few values."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = Counter(
            "whyformer_requests", "Answered requests.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "whyformer_request_seconds",
            "Time from the arrival of a request to its answer.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "whyformer_refused", "Refused requests, by reason.", ["reason"], registry=registry
        )
        self._texts = Counter("whyformer_texts", "Texts computed.", ["model"], registry=registry)
        self._tokens = Counter(
            "whyformer_tokens", "Source tokens computed.", ["model"], registry=registry
        )
        self._batch = Histogram(
            "whyformer_batch_texts",
            "Texts in a batch.",
            ["model"],
            buckets=ITEMS,
            registry=registry,
        )
        self._busy = Counter(
            "whyformer_model_seconds", "Time of computation.", ["model"], registry=registry
        )
        self._waiting = Gauge(
            "whyformer_waiting_texts", "Texts that wait.", ["model"], registry=registry
        )
        self._reloads = Counter(
            "whyformer_reloads", "Replaced models.", ["model", "result"], registry=registry
        )
        self._known: dict[Any, Any] = {}

    def answered(self, route: str, status: int, seconds: float, reason: str) -> None:
        """Count one request. Args: reason: why it was refused; empty if it was not."""
        self._label(self._requests, route, str(status)).inc()
        self._label(self._seconds, route).observe(seconds)
        if reason:
            self._label(self._refused, reason).inc()

    def computed(self, model: str, jobs: int, items: int, tokens: int, seconds: float) -> None:
        """Count one batch; see `Batcher`."""
        self._label(self._texts, model).inc(items)
        self._label(self._tokens, model).inc(tokens)
        self._label(self._batch, model).observe(items)
        self._label(self._busy, model).inc(seconds)

    def reloaded(self, model: str, success: bool) -> None:
        """Count an attempt to load a replaced model."""
        self._label(self._reloads, model, "loaded" if success else "refused").inc()

    def watch(self, model: str, waiting: Callable[[], float]) -> None:
        """Report the length of a queue. Args: waiting: function that returns the length."""
        self._waiting.labels(model).set_function(waiting)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    def _label(self, metric: Any, *labels: str) -> Any:
        """Return a metric with its labels. The result is cached, because `labels` is slow."""
        key = (metric, labels)
        if key not in self._known:
            self._known[key] = metric.labels(*labels)
        return self._known[key]
