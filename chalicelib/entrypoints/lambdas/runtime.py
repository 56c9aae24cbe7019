"""The decorators of every function that is not the API.

Chalice's middleware does not run for these functions, and app.py is never imported (1.34.0).
Only `@jobs` catches every exception of a consumer: it logs the id and hands that message back.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib import observability, wiring
from chalicelib.config import SUPPORTED_CHANNEL_TYPES
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.ports import World

SHORTEST = 1500  # ms that must be left for another job

Consumer = Callable[[Any], dict[str, Any]]
Event = Any  # Chalice's event classes are untyped
Records = list[Mapping[str, Any]]


def stage() -> str:
    """The stage that is packaged or runs."""
    return os.environ.get("STAGE", "local")


def channel_types() -> tuple[ChannelType, ...]:
    """Return the channel types of the stage. Without a stage, as in tests: every supported type."""
    listed = os.environ.get("CHANNEL_TYPES", ",".join(SUPPORTED_CHANNEL_TYPES))
    return tuple(ChannelType(name) for name in listed.split(",") if name)


def jobs(work: Callable[[World, str], None]) -> Consumer:
    """Make a consumer of a queue, which works on one job after another.

    Jobs that fail go back to the queue, and so do jobs that the remaining time is too short for.
    """

    @functools.wraps(work)
    def consume(event: Event) -> dict[str, Any]:
        with observability.unit_of_work(function=work.__name__):
            world, records = wiring.world(), event.to_dict()["Records"]
            failed = _work_through(work, world, records, getattr(event, "context", None))
            return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}

    return consume


def _work_through(
    work: Callable[[World, str], None], world: World, records: Records, context: Any
) -> list[str]:
    failed: list[str] = []
    longest = 0.0
    for n, record in enumerate(records):
        if n and time_left(context) < max(SHORTEST, 1.5 * longest):
            observability.metric("jobs_handed_back", len(records) - n)
            return [*failed, *(later["messageId"] for later in records[n:])]
        begun = time.monotonic()
        try:
            work(world, record["body"])
        except Exception as error:  # logged with its id, and handed back
            receives = record.get("attributes", {}).get("ApproximateReceiveCount")
            observability.log.error(
                "job_failed",
                exc_info=error,
                extra={"message_id": record["messageId"], "receives": receives},
            )
            observability.metric("job_failed")
            failed.append(record["messageId"])
        longest = max(longest, (time.monotonic() - begun) * 1000)
    return failed


def time_left(context: Any) -> float:
    """Return the milliseconds until Lambda ends this function."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return float(remaining()) if remaining else float("inf")


def task(work: Callable[[World, Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a function that a schedule or the clock calls.

    A failure is raised for Lambda, but without the exception's text, which may quote personal data.
    """

    @functools.wraps(work)
    def run(event: Any, context: Any) -> Any:
        with observability.unit_of_work(function=work.__name__):
            try:
                return work(wiring.world(), event, context)
            except Exception as error:  # logged, and raised again for Lambda to repeat
                observability.log.error("task_failed", exc_info=error)
                raise RuntimeError(f"{work.__name__} failed: {type(error).__name__}") from None

    return run
