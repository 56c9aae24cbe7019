"""Tests of delivery channels: are address and credentials right? Only delivery functions can ask, since only they open credentials.

The API puts a job on the queue of the channel's type, waits a little for the answer, and says where to ask for it later.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from chalicelib.domain import keys
from chalicelib.domain.channels import Channel, Priority
from chalicelib.domain.errors import ProviderError
from chalicelib.domain.jobs import CheckJob, Envelope
from chalicelib.domain.sending import Account, Token
from chalicelib.flow.ports import World

KEPT = 600  # seconds that an answer can be asked for
PATIENCE = 8.0  # seconds that the API waits: its function has 29, and a browser less patience than that
PAUSES = (0.2, 0.3, 0.5, 1.0)  # between looks; then always the last


@dataclass(frozen=True)
class Answered:
    """`code` is the provider's own word for what is wrong, "" if nothing is; `kind` says what it means."""

    code: str = ""
    kind: str = ""  # misconfigured, rejected, unavailable, throttled, uncertain


def ask(world: World, channel: Channel) -> str:
    """The id under which the answer will be."""
    check = secrets.token_hex(16)
    worker = world.providers.of(channel.platform).capabilities.worker
    world.queues.send([Envelope(CheckJob(channel.code, check), Priority.HIGH, channel.type, channel.code, worker=worker)])
    return check


def wait(world: World, check: str) -> Answered | None:
    """The answer, or None when it is not there in time."""
    waited, looks = 0.0, 0
    while True:
        found = result(world, check)
        if found is not None or waited >= PATIENCE:
            return found
        pause = PAUSES[min(looks, len(PAUSES) - 1)]
        world.clock.sleep(pause)
        waited, looks = waited + pause, looks + 1


def result(world: World, check: str) -> Answered | None:
    """None: not there yet, or too old."""
    kept = world.tokens.read(_name(check))
    return Answered(*json.loads(kept.value)) if kept else None


def answer(world: World, job: CheckJob) -> None:
    """In a delivery function. Asking again does no harm, and the later answer stands."""
    channel = world.settings.channel(job.channel)
    found = Answered("no_such_channel", "rejected") if channel is None else _asked(world, channel)
    until = world.clock.now() + KEPT * 1000
    world.tokens.write(_name(job.check), Token(json.dumps([found.code, found.kind]), until, until))


def _asked(world: World, channel: Channel) -> Answered:
    account = Account(channel.code, world.credentials.open_credentials(channel.sealed_credentials), channel.options)
    try:
        with world.providers.of(channel.platform).connect(account) as session:
            session.check()
    except ProviderError as error:
        return Answered(error.code, type(error).__name__.lower())
    return Answered()


def _name(check: str) -> str:
    return keys.join("check", check)
