"""Questions to a provider that only a delivery function can ask, since only it opens credentials: are they right, and what is the token?

The API puts a job on the queue of the channel's type, waits a little for the answer, and says where to ask for it later.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field

from chalicelib.domain import keys
from chalicelib.domain.channels import Channel, Priority
from chalicelib.domain.errors import ProviderError
from chalicelib.domain.jobs import CheckJob, Envelope, Question
from chalicelib.domain.sending import Account, Token
from chalicelib.flow.ports import World

KEPT = 600  # seconds that an answer can be asked for
PATIENCE = 8.0  # seconds that the API waits: its function has 30, and a browser less patience than that
PAUSES = (0.2, 0.3, 0.5, 1.0)  # between looks; then always the last


@dataclass(frozen=True)
class Answered:
    """`code` is the provider's own word for what is wrong, "" if nothing is. `token` is None where there is none."""

    question: Question
    channel: str
    code: str = ""
    kind: str = ""  # of error: misconfigured, rejected, unavailable, throttled, uncertain
    token: Token | None = field(default=None, repr=False)


def ask(world: World, channel: Channel, question: Question) -> str:
    """The id under which the answer will be."""
    check = secrets.token_hex(16)
    world.queues.send([Envelope(CheckJob(channel.code, check, question.value), Priority.HIGH, channel.type, channel.code)])
    return check


def wait(world: World, check: str, question: Question) -> Answered | None:
    """The answer, or None when it is not there in time."""
    waited, looks = 0.0, 0
    while True:
        found = result(world, check, question)
        if found is not None or waited >= PATIENCE:
            return found
        pause = PAUSES[min(looks, len(PAUSES) - 1)]
        world.clock.sleep(pause)
        waited, looks = waited + pause, looks + 1


def result(world: World, check: str, question: Question) -> Answered | None:
    """None: not there yet, too old, or the answer to another question."""
    kept = world.tokens.read(_name(check))
    found = _read(kept.value) if kept else None
    return found if found and found.question is question else None


def answer(world: World, job: CheckJob) -> None:
    """In a delivery function. Asking again does no harm, and the later answer stands."""
    question = Question(job.question)
    channel = world.settings.channel(job.channel)
    found = Answered(question, job.channel, "no_such_channel", "rejected") if channel is None else _asked(world, channel, question)
    until = world.clock.now() + KEPT * 1000
    world.tokens.write(_name(job.check), Token(_written(found), until, until))


def _asked(world: World, channel: Channel, question: Question) -> Answered:
    account = Account(channel.code, world.credentials.open_credentials(channel.sealed_credentials), channel.options)
    try:
        with world.providers.of(channel.platform).connect(account) as session:
            if question is Question.TOKEN:
                return Answered(question, channel.code, token=session.access_token())
            session.check()
    except ProviderError as error:
        return Answered(question, channel.code, error.code, type(error).__name__.lower())
    return Answered(question, channel.code)


def _name(check: str) -> str:
    return keys.join("check", check)


def _written(found: Answered) -> str:
    token = [found.token.value, found.token.expires, found.token.renew] if found.token else None
    return json.dumps([found.question.value, found.channel, found.code, found.kind, token])


def _read(text: str) -> Answered:
    question, channel, code, kind, token = json.loads(text)
    return Answered(Question(question), channel, code, kind, Token(*token) if token else None)
