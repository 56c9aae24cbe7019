"""Hand timers that have come due to the queues, by priority. The sweep decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from chalicelib.domain import elements
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import Envelope, FactsJob, Timer, TimerKind, TimersJob
from chalicelib.domain.slowness import LONG
from chalicelib.observability import log
from chalicelib.ports import World

T = TypeVar("T")

SWEEP = 200  # rows per sweep, each with up to 50 timers
TIMERS_PER_JOB = 25
EXCHANGES = 3  # with a provider that the work of one timer takes, mostly


def sweep(world: World, tick: int = 0) -> bool:
    """Enqueue the due timers, then delete their rows, and return whether more timers are due.

    A crash between the two enqueues the timers twice, which every step allows.
    `tick` is the time (ms) for which the clock called. The clock may be ahead of this function.
    A tick that came early would find nothing, and its timers would wait for the schedule.
    """
    rows = world.timers.due(max(world.clock.now(), tick), SWEEP)
    if rows:
        world.queues.send(list(_envelopes(world, [t for row in rows for t in row.timers])))
        world.timers.done(rows)
    return len(rows) >= SWEEP


def overdue(world: World) -> float:
    """Return for how many seconds the oldest due timer has waited, or 0 if no timer is due."""
    now = world.clock.now()
    oldest = world.timers.oldest(now)
    return 0 if oldest is None else (now - oldest) / 1000


def _envelopes(world: World, timers: Sequence[Timer]) -> Iterator[Envelope]:
    groups: dict[tuple[Priority, ChannelType | None, TimerKind], list[Timer]] = {}
    for timer in timers:
        groups.setdefault((timer.priority, _queue_of(world, timer), timer.kind), []).append(timer)
    for (priority, channel_type, kind), members in groups.items():
        unique = list({(timer.chunk, timer.channel): timer for timer in members}.values())
        if kind is TimerKind.FACTS:
            yield from (Envelope(FactsJob(*t.chunk), priority, None, kind.value) for t in unique)
            continue
        for start in range(0, len(unique), TIMERS_PER_JOB):
            job = TimersJob(tuple(unique[start : start + TIMERS_PER_JOB]))
            yield Envelope(job, priority, channel_type, group=kind.value)


def _queue_of(world: World, timer: Timer) -> ChannelType | None:
    """Return the channel type whose delivery function does a poll, None for any other timer.

    Only a delivery function can open the credentials.
    """
    is_poll = timer.kind is TimerKind.POLL
    channel = world.settings.channel(elements.channel_of(timer.channel)) if is_poll else None
    return channel.type if channel else None


def begin_until(world: World, *, urgent: bool = False) -> float:
    """Return until when (ms) further parts of a job that begins now may begin.

    On an `urgent` queue, a code or its next step may wait for the end of the job.
    """
    now, exchanges = world.clock.now(), EXCHANGES * world.limits.provider_timeout
    until = world.end_of_job(now) - exchanges * 1000
    return min(until, now + LONG) if urgent else until


def do_in_time(
    world: World,
    work: Callable[[Timer], object],
    timers: Sequence[Timer],
    end: Callable[[], object] = lambda: None,
) -> None:
    """Do the work of each timer while its worker has time. Send the others to their queue anew.

    Each job begins with timers whose turn did not come before, so that slow ones starve no others.
    `end` is the part of the work that is done together, after the last timer.
    """
    until = begin_until(world, urgent=any(timer.priority is Priority.HIGH for timer in timers))
    done, failed, failure = 0, list[Timer](), None
    while done < len(timers) and not (done and world.clock.now() > until):
        try:
            work(timers[done])
        except Exception as error:  # noqa: BLE001 raised or logged below
            failed, failure = [*failed, timers[done]], failure or error
        done += 1
    try:
        end()
    except Exception as error:  # noqa: BLE001 raised or logged below
        failed, failure = list(timers[:done]), error
    left = timers[done:]
    if failure is not None and not left:
        raise failure
    _send_anew(world, left, failed, failure)


def _send_anew(
    world: World, left: Sequence[Timer], failed: Sequence[Timer], failure: Exception | None
) -> None:
    """Send timers for which there was no time, and apart from them each one that failed.

    If the job failed instead, it would come back with the others, and send them again each time.
    A job of one timer has no others, so it fails until it is a dead letter.
    """
    if failure is not None:
        log.warning("timers_apart", exc_info=failure, extra={"timers": len(failed)})
    apart = [envelope for timer in failed for envelope in _envelopes(world, [timer])]
    world.queues.send([*_envelopes(world, left), *apart])


def do_all(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Do the work for every item, then raise the first failure.

    Items that came due together must not wait for the one that fails.
    """
    failure: Exception | None = None
    for item in items:
        try:
            work(item)
        except Exception as error:  # noqa: BLE001 raised below, for the batch decorator
            failure = failure or error
    if failure is not None:
        raise failure
