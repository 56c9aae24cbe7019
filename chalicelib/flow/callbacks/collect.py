"""Queue what the streams tell of messages with callbacks, as jobs of one access channel each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chalicelib.domain.callbacks import BATCH, Events, News, parts
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import AnyCallbackJob, CallbackJob, Envelope
from chalicelib.ports import World


def collect(world: World, news: Iterable[News]) -> None:
    """Queue all events that have records. The same news again make the same jobs again."""
    jobs = [
        job for channel_key, of_channel in _groups(news) for job in _jobs(channel_key, of_channel)
    ]
    if jobs:
        world.queues.send([envelope(job) for job in jobs])


def envelope(job: AnyCallbackJob, delay: int = 0) -> Envelope:
    """Return a job with its destination: a queue that serves access channels in turn."""
    return Envelope(job, Priority.LOW, None, job.channel_key, delay)


def _groups(news: Iterable[News]) -> Iterator[tuple[str, Sequence[News]]]:
    by_key: dict[str, list[News]] = {}
    for one in news:
        by_key.setdefault(one.channel_key, []).append(one)
    yield from by_key.items()


def _jobs(channel_key: str, news: Sequence[News]) -> Iterator[CallbackJob]:
    """Yield jobs with up to a batch of records each, in the order of the news."""
    held: list[Events] = []
    time = max(one.time for one in news)
    for events in (part for one in news for part in parts(one.events)):
        if held and sum(one.size for one in held) + events.size > BATCH:
            yield CallbackJob(channel_key, time, tuple(held))
            held = []
        held.append(events)
    if held:
        yield CallbackJob(channel_key, time, tuple(held))
