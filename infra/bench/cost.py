"""Compute requests, units and dollars from the emulator's counts. Pure, so that it is testable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from infra.bench import figures, prices

MEMORY_GB = 0.5  # memory of every function in the production stage


@dataclass(frozen=True)
class Result:
    """A scenario's figures.

    `counts` is the emulator's answer, without the benchmark's own requests. `log_bytes` is the
    size of the functions' logs.
    """

    recipients: int
    deliveries_per_second: float
    counts: Mapping[str, Any]
    log_bytes: int

    @property
    def quantities(self) -> dict[str, float]:
        """Return the quantity of each item that AWS bills."""
        sources = self.counts["event_sources"].values()
        polls = sum(s.get("receives", 0) + s.get("deletes", 0) for s in sources)
        invocations = sum(f["invocations"] for f in self.counts["lambda"].values())
        return {
            "API Gateway requests (HTTP)": sum(self.counts["api"].values()),
            "Lambda requests": invocations,
            "SQS requests": sum(self.counts["requests"].get("sqs", {}).values()) + polls,
            "DynamoDB write units": sum(self.counts["write_units"].values()),
            "DynamoDB read units": sum(self.counts["read_units"].values()),
            "Step Functions state transitions": self.transitions,
            "KMS requests": sum(self.counts["requests"].get("kms", {}).values()),
        }

    @property
    def transitions(self) -> int:
        return int(self.counts["states"].get("transitions", 0))

    @property
    def lambda_gb_seconds(self) -> float:
        return sum(f["milliseconds"] for f in self.counts["lambda"].values()) / 1000 * MEMORY_GB

    @property
    def requests_by_step(self) -> dict[str, int]:
        """Count the AWS requests of each function, and AWS's own for event sources and clock."""
        by_step: dict[str, int] = {}
        for caller, services in self.counts["by_caller"].items():
            by_step[caller] = sum(sum(operations.values()) for operations in services.values())
        for source, counts in self.counts["event_sources"].items():
            by_step[f"event source {source}"] = sum(
                counts.get(name, 0) for name in ("receives", "deletes", "batches")
            )
        return {**by_step, "state transitions": self.transitions}

    @property
    def aws_requests(self) -> int:
        return sum(self.requests_by_step.values())

    def per_1000(self, number: float) -> float:
        return round(number / self.recipients * 1000, 2)

    @property
    def dollars(self) -> dict[str, float]:
        """Return the dollars per million deliveries, part by part."""
        scale = 1_000_000 / self.recipients
        parts = {
            name: number * prices.PER_MILLION[name] / 1e6 * scale
            for name, number in self.quantities.items()
        }
        parts["Lambda duration"] = self.lambda_gb_seconds * prices.LAMBDA_GB_SECOND * scale
        parts["CloudWatch logs"] = self.logged / 1e9 * prices.LOGS_GB * scale
        return parts

    @property
    def of_figures(self) -> Result:
        """Return what of this result serves figures and lists of messages."""
        part = figures.part_of(self.counts)
        own, all = (
            sum(f["invocations"] for f in c["lambda"].values()) for c in (part, self.counts)
        )
        return replace(self, counts=part, log_bytes=round(self.log_bytes * own / max(1, all)))

    @property
    def logged(self) -> float:
        """Return the bytes of the functions' logs. The template turns Lambda's own lines off."""
        return self.log_bytes

    @property
    def dollars_alone(self) -> float:
        """Return the dollars per million if every queue message had an invocation of its own.

        Messages come alone if little is sent.
        """
        shared = sum(
            s.get("messages", 0) - s.get("receives", 0)
            for s in self.counts["event_sources"].values()
        )
        per_million = prices.PER_MILLION
        requests = 2 * per_million["SQS requests"] + per_million["Lambda requests"]
        return sum(self.dollars.values()) + shared * requests / self.recipients

    @property
    def dollars_traced(self) -> float:
        """Return the dollars per million if X-Ray traced every invocation, as with few sends."""
        traces = self.quantities["Lambda requests"] * prices.PER_MILLION["X-Ray traces"]
        return sum(self.dollars.values()) + traces / self.recipients

    @property
    def dollars_by_urls(self) -> float:
        """Return the dollars per million by function URLs (`SendersUrl` and `ReceiptsUrl`)."""
        return sum(self.dollars.values()) - self.dollars["API Gateway requests (HTTP)"]

    @property
    def report(self) -> dict[str, float]:
        """Return the figures for `.local/bench.json`."""
        quantities, of_figures = self.quantities, self.of_figures
        return {
            "recipients": self.recipients,
            "deliveries_per_second": round(self.deliveries_per_second, 1),
            "aws_requests_per_1000": self.per_1000(self.aws_requests),
            "write_units_per_1000": self.per_1000(quantities["DynamoDB write units"]),
            "read_units_per_1000": self.per_1000(quantities["DynamoDB read units"]),
            "state_transitions_per_1000": self.per_1000(self.transitions),
            "usd_per_million": round(sum(self.dollars.values()), 3),
            "usd_per_million_by_function_urls": round(self.dollars_by_urls, 3),
            "usd_per_million_traced": round(self.dollars_traced, 3),
            "figures_requests_per_1000": self.per_1000(of_figures.aws_requests),
            "figures_write_units_per_1000": self.per_1000(
                of_figures.quantities["DynamoDB write units"]
            ),
            "figures_usd_per_million": round(sum(of_figures.dollars.values()), 3),
        }
