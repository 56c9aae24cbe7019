"""What only a provider can say: is the account right, what is its access token, where may its owner let us in?

Only delivery functions can ask, since only they open credentials. The API puts a job on the queue of the channel, waits a little for
the answer, which comes sealed and under a random id, and says where to look for it later.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType, Priority
from chalicelib.domain.errors import (
    Invalid,
    NotAuthorised,
    NoToken,
    NotServed,
    ProviderError,
    Rejected,
    Throttled,
    TokenUnsupported,
)
from chalicelib.domain.jobs import Envelope, QueryJob, Question
from chalicelib.domain.provider_io import Token, token_name
from chalicelib.flow import validity
from chalicelib.flow.delivery.sessions import connect
from chalicelib.ports import Session, World

KEPT = 600  # seconds that an answer can be asked for
PATIENCE = (
    8.0  # seconds that the API waits: its function has 29, and a browser less patience than that
)
PAUSES = (0.2, 0.3, 0.5, 1.0)  # between looks; then always the last


@dataclass(frozen=True)
class QueryResult:
    """`code` is the provider's own word for what is wrong, "" if nothing is; `kind` says what it means."""

    code: str = ""
    kind: str = ""  # misconfigured, rejected, unavailable, throttled, uncertain
    link: str = field(default="", repr=False)
    token: Token | None = field(default=None, repr=False)


# -- in the API


def ask(world: World, channel: Channel, question: Question, redirect_uri: str = "") -> str:
    """The id under which the answer will be. Raises NotServed if the stage runs nothing that could ask."""
    able = world.providers.of(channel.platform).capabilities
    if reason := validity.not_served(world, able):
        raise NotServed("code", reason=reason)
    if question is Question.AUTHORISATION and not able.authorisation:
        raise Invalid(
            "code", f"{channel.platform} is not authorised by a page, but by its credentials"
        )
    job = QueryJob(channel.code, question, secrets.token_hex(16), redirect_uri)
    world.queues.send(
        [Envelope(job, Priority.HIGH, channel.type, channel.code, worker=able.worker)]
    )
    return job.id


def wait(world: World, id: str) -> QueryResult | None:
    """The answer, or None when it is not there in time."""
    waited, looks = 0.0, 0
    while True:
        found = result(world, id)
        if found is not None or waited >= PATIENCE:
            return found
        pause = PAUSES[min(looks, len(PAUSES) - 1)]
        world.clock.sleep(pause)
        waited, looks = waited + pause, looks + 1


def result(world: World, id: str) -> QueryResult | None:
    """None: not there yet, or too old."""
    kept = world.tokens.read(_name(id))
    if kept is None:
        return None
    found = json.loads(kept.value)
    return QueryResult(**{**found, "token": Token(**found["token"]) if found["token"] else None})


def access_token(world: World, access: AccessChannel, kind: ChannelType) -> Token:
    """A provider's own token, for who calls it besides: of the first delivery channel of this type.

    Where there is one, nobody is asked. Raises NotAuthorised, TokenUnsupported or NoToken.
    """
    channel = next(
        (each for each in validity.open_channels(world, access) if each.type is kind), None
    )
    if channel is None:
        raise NotAuthorised("type", kind)
    shared = world.tokens.read(token_name(channel.code, channel.credentials_fingerprint))
    if shared is not None:
        return shared
    found = wait(world, ask(world, channel, Question.TOKEN))
    if found is not None and found.token is not None:
        return found.token
    if found is not None and not found.code:
        raise TokenUnsupported("type", platform=channel.platform)
    raise NoToken("type", seconds=int(PATIENCE), code=found.code if found else "")


# -- in a delivery function, or a worker


def answer(world: World, job: QueryJob) -> None:
    """Asking again does no harm, and the later answer stands."""
    channel = world.settings.channel(job.channel)
    try:
        if channel is None:
            raise Rejected("no_such_channel")
        with connect(world, channel) as session:
            found = _said(session, job)
    except ProviderError as error:
        found = QueryResult(
            error.code,
            "throttled" if isinstance(error, Throttled) else type(error).__name__.lower(),
        )
    until = world.clock.now() + KEPT * 1000
    world.tokens.write(_name(job.id), Token(json.dumps(asdict(found)), until, until))


def _said(session: Session, job: QueryJob) -> QueryResult:
    if job.question is Question.TOKEN:
        return QueryResult(token=session.access_token())
    if job.question is Question.AUTHORISATION:
        return QueryResult(link=session.authorisation_link(job.redirect_uri))
    session.check()
    return QueryResult()


def _name(id: str) -> str:
    return keys.join("asked", id)
