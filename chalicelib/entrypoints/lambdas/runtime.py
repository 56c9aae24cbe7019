"""The decorators of every function that is not the API.

Chalice's middleware does not run for these functions, and app.py is never imported (1.34.0).
Only `@jobs` and `@jobs_together` catch every exception of a consumer: they log the id and hand that
message back.
"""

from __future__ import annotations

import functools
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from chalicelib import observability, wiring
from chalicelib.config import SUPPORTED_CHANNEL_TYPES
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.ports import World

SHORTEST = 1500  # ms that must be left for another job
PATIENCE = 12  # in this part of a lease, a batch of a delivery function begins other jobs

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


class Batch(Protocol):
    """The part of the work that the jobs of a batch do together."""

    def end(self) -> Mapping[str, Exception]:
        """Do it after the last job. Return errors by the texts of jobs."""


class _Nothing:
    def end(self) -> Mapping[str, Exception]:
        return {}


def jobs(work: Callable[[World, str], None]) -> Consumer:
    """Make a consumer of a queue, which works on one job after another.

    Jobs that fail go back to the queue. Jobs without enough time are sent to it anew. They need not
    wait for the visibility timeout, and do not count as failed.
    """

    @functools.wraps(work)
    def alone(world: World, text: str, batch: _Nothing) -> None:
        work(world, text)

    return jobs_together(lambda world, texts: _Nothing())(alone)


B = TypeVar("B", bound=Batch)


def _as_it_came(world: World, text: str, batch: Any) -> str:
    return text


def jobs_together(
    begin: Callable[[World, Sequence[str]], B],
    unbegun: Callable[[World, str, B], str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    is_worked_on: Callable[[str, B], bool] = lambda text, batch: False,
) -> Callable[[Callable[[World, str, B], None]], Consumer]:
    """Make a consumer as `jobs` does, whose jobs share what `begin` makes of their texts.

    With `unbegun` it is patient for some seconds. Then it hands back what it has not begun, with
    the texts that `unbegun` returns. A job that `is_worked_on` with others takes no time.
    """
    text_of = unbegun or _as_it_came

    def decorate(work: Callable[[World, str, B], None]) -> Consumer:
        @functools.wraps(work)
        def consume(event: Event) -> dict[str, Any]:
            with observability.unit_of_work(function=work.__name__):
                world, records = wiring.world(), event.to_dict()["Records"]
                records = _quiet_first(records)
                batch = begin(world, [record["body"] for record in records])
                context = getattr(event, "context", None)
                patience = world.limits.lease / PATIENCE if unbegun else math.inf
                failed, left = _work_through(
                    lambda world, text: work(world, text, batch),
                    *(world, records, context, patience, clock),
                    is_worked_on=lambda text: is_worked_on(text, batch),
                )
                failed += _report(records, batch.end())
                failed += _hand_back(world, left, lambda text: text_of(world, text, batch))
                ids = dict.fromkeys(failed)
                return {"batchItemFailures": [{"itemIdentifier": id} for id in ids]}

        return consume

    return decorate


def _report(records: Records, errors: Mapping[str, Exception]) -> list[str]:
    """Report jobs that failed at the end of their batch. Return their ids."""
    failed = [record for record in records if record["body"] in errors]
    return [_report_one(record, errors[record["body"]]) for record in failed]


def _report_one(record: Mapping[str, Any], error: Exception) -> str:
    """Log a job that failed, and return its id."""
    receives = record.get("attributes", {}).get("ApproximateReceiveCount")
    id = str(record["messageId"])
    observability.log.error(
        "job_failed", exc_info=error, extra={"message_id": id, "receives": receives}
    )
    observability.metric("job_failed")
    return id


def _quiet_first(records: Records) -> Records:
    """Put the jobs of tenants with few jobs in a batch first, so that they need not wait.

    Jobs that came back after failures come before them, those with most failures first. A job that
    is handed back comes as a new message, so that its failures would not be counted.
    """
    jobs = Counter(map(_group, records))
    return sorted(records, key=lambda record: (-_receives(record), jobs[_group(record)]))


def _receives(record: Mapping[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _group(record: Mapping[str, Any]) -> str:
    return str(record.get("attributes", {}).get("MessageGroupId", ""))


def _work_through(
    work: Callable[[World, str], None],
    world: World,
    records: Records,
    context: Any,
    patience: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
    is_worked_on: Callable[[str], bool] = lambda text: False,
) -> tuple[list[str], Records]:
    """Return the ids of jobs that failed, and the jobs that were not begun."""
    failed: list[str] = []
    left: Records = []
    longest, until = 0.0, clock() + patience
    for n, record in enumerate(records):
        if n and not is_worked_on(record["body"]):
            needed = max(SHORTEST, 1.5 * longest)
            if left or not (clock() < until and time_left(context) >= needed):
                left.append(record)
                continue
        begun = clock()
        try:
            work(_ending(world, context), record["body"])
        except Exception as error:  # noqa: BLE001 logged with its id, and handed back
            failed.append(_report_one(record, error))
        longest = max(longest, (clock() - begun) * 1000)
    return failed, left


def _hand_back(world: World, records: Records, text_of: Callable[[str], str]) -> list[str]:
    """Send jobs to their queue anew. Return the ids of those that could not be sent."""
    if not records:
        return []
    observability.metric("jobs_handed_back", len(records))
    queue = records[0]["eventSourceARN"].rpartition(":")[2]
    try:
        jobs = [(_group(record), text_of(record["body"])) for record in records]
        world.queues.hand_back(queue, jobs)
    except Exception as error:  # logged, and handed back as if they had failed
        observability.log.error("jobs_not_handed_back", exc_info=error)
        return [record["messageId"] for record in records]
    return []


def _ending(world: World, context: Any) -> World:
    """Tell the steps when the function ends."""
    left = time_left(context)
    return world if math.isinf(left) else replace(world, ends=world.clock.now() + int(left))


def time_left(context: Any) -> float:
    """Return the milliseconds until Lambda ends this function."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return float(remaining()) if remaining else float("inf")


class Again(Exception):
    """A task that is not done, although nothing is wrong with it. Its caller calls it again soon.

    The clock knows this name (infra/template/clock.asl.json).
    """


def task(work: Callable[[World, Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a function that a schedule or the clock calls.

    A failure is raised for Lambda, but without the exception's text, which may quote personal data.
    An AWS that throttles or does not answer is not a fault of the task.
    """

    @functools.wraps(work)
    def run(event: Any, context: Any) -> Any:
        with observability.unit_of_work(function=work.__name__):
            try:
                return work(wiring.world(), event, context)
            except Exception as error:  # logged, and raised again for Lambda to repeat
                if isinstance(error, Again) or wiring.is_busy(error):
                    observability.log.warning("task_not_done", exc_info=error)
                    raise Again(f"{work.__name__}: {type(error).__name__}") from None
                observability.log.error("task_failed", exc_info=error)
                raise RuntimeError(f"{work.__name__} failed: {type(error).__name__}") from None

    return run
