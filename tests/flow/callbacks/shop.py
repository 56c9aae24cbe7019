"""A shop with callback addresses, and the consumer of the queue of callbacks on fakes."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.jobs import (
    AnyCallbackJob,
    CallbackJob,
    CallbackReplay,
    CallbackRetry,
    Envelope,
)
from chalicelib.domain.messages import Message
from chalicelib.domain.rules.callbacks import Address, Auth
from chalicelib.flow.callbacks import collect, deliver, probe, replay
from chalicelib.manage import callbacks
from tests.builders import SHOP, a_message, an_access_channel
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld

URL = "https://shop.example/callbacks"
SECRET = "5e987ac6d2e04d95a9d8f0d1"
VISIBILITY = 360  # seconds
BATCH = 10  # jobs


def a_shop(key: str = SHOP, fake: FakeWorld | None = None, **address: Any) -> FakeWorld:
    """Return a world with an access channel that gets all callbacks at one address."""
    fake = fake or FakeWorld()
    fake.settings.put_access_channel(an_access_channel(key))
    add(fake, key=key, **address)
    callbacks.change(fake.ports, key, None, {"enabled": True})
    return fake


def add(fake: FakeWorld, url: str = URL, key: str = SHOP, **fields: Any) -> tuple[Address, str]:
    """Add an address. Return it with its signing secret."""
    given = {"url": url, "auth": Auth.BASIC, "secret": SECRET, **fields}
    _, address, signing = callbacks.add(fake.ports, key, None, given)
    return address, signing


def addresses(fake: FakeWorld, key: str = SHOP) -> tuple[Address, ...]:
    return callbacks.get(fake.ports, key).settings.addresses


def a_called_message(fake: FakeWorld, *userids: str, **changes: Any) -> Message:
    """Build a message that reports to the default address of its access channel."""
    key = changes.get("channel_key", SHOP)
    to = {"to": callbacks.get(fake.ports, key).settings.default, **changes.pop("callback", {})}
    return a_message(*userids, callback=to, **changes)


def stream(fake: FakeWorld) -> None:
    """Read the streams once: queue what they tell."""
    news = list(fake.ledger.news)
    collect.collect(fake.ports, news)
    del fake.ledger.news[: len(news)]


def work(fake: FakeWorld) -> int:
    """Work on what can be received now, as the function does. Return the number of jobs."""
    envelopes = []
    while len(envelopes) < BATCH:
        envelope = fake.queues.take()
        if envelope is None:
            break
        envelopes.append(envelope)
    together = deliver.Round([e.job for e in envelopes if isinstance(e.job, CallbackJob)])
    for envelope in envelopes:
        if not _attempt(fake, together, envelope):
            fake.queues.back(envelope, VISIBILITY)
    return len(envelopes)


def run(fake: FakeWorld, seconds: float = 10 * 86400) -> None:
    """Work until nothing is left, or until so much time has passed."""
    end = fake.clock.now() + seconds * 1000
    while True:
        stream(fake)
        if work(fake):
            continue
        at = fake.queues.next()
        if at is None or at > end:
            return
        fake.clock.time = max(fake.clock.now(), at)


def handle(fake: FakeWorld, together: deliver.Round, job: AnyCallbackJob) -> None:
    if isinstance(job, CallbackJob):
        together.report(fake.ports, job.channel_key)
    elif isinstance(job, CallbackRetry):
        deliver.retry(fake.ports, job)
    elif isinstance(job, CallbackReplay):
        replay.replay(fake.ports, job)
    else:
        probe.run(fake.ports, job)


def _attempt(fake: FakeWorld, together: deliver.Round, envelope: Envelope) -> bool:
    try:
        handle(fake, together, envelope.job)  # type: ignore[arg-type]
    except (Killed, ConnectionError):
        return False
    return True
