"""Query a provider: is the account right, what is its access token, on which page is it authorised?

Only delivery functions can ask, since only they open credentials. The API puts a job on the queue
of the channel and waits a little for the answer. The answer comes sealed and under a random id. If
it is late, the API returns the id.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, field

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
from chalicelib.domain.jobs import Envelope, Query, QueryJob
from chalicelib.domain.provider_io import Token, token_name
from chalicelib.domain.values import frozen
from chalicelib.flow import validity
from chalicelib.flow.delivery.sessions import connect
from chalicelib.ports import Session, World

KEPT = 600  # seconds for which an answer can be read
# Seconds that the API waits. Its function has 29, and a browser less patience than that.
PATIENCE = 8.0
PAUSES = (0.2, 0.3, 0.5, 1.0)  # seconds between reads, the last one repeatedly


@frozen
class QueryResult:
    """A provider's answer. `code` is its own code for a fault, empty without one."""

    code: str = ""
    kind: str = ""  # misconfigured, rejected, unavailable, throttled, uncertain
    link: str = field(default="", repr=False)
    made: str = ""  # the provider's id of what it has made
    token: Token | None = field(default=None, repr=False)


# -- in the API


def ask(
    world: World, channel: Channel, question: Query, redirect_uri: str = "", id: str = ""
) -> str:
    """Send a query, and return the id under which its answer will be: a new one by default.

    Raises NotServed if the stage runs nothing that could ask.
    """
    capabilities = world.providers.of(channel.platform).capabilities
    if refused := validity.not_served(world, capabilities):
        raise NotServed("code", reason=refused)
    if question is Query.AUTHORISATION and not capabilities.authorisation:
        reason = "{platform} is not authorised by a page, but by its credentials"
        raise Invalid("code", reason, platform=channel.platform)
    job = QueryJob(channel.code, question, id or secrets.token_hex(16), redirect_uri)
    worker = capabilities.worker
    world.queues.send([Envelope(job, Priority.HIGH, channel.type, channel.code, worker=worker)])
    return job.id


def wait(world: World, id: str) -> QueryResult | None:
    """Wait for the answer. None when it is not there in time."""
    waited, reads = 0.0, 0
    while True:
        answered = result(world, id)
        if answered is not None or waited >= PATIENCE:
            return answered
        pause = PAUSES[min(reads, len(PAUSES) - 1)]
        world.clock.sleep(pause)
        waited, reads = waited + pause, reads + 1


def result(world: World, id: str) -> QueryResult | None:
    """Return the answer, or None if it is not there yet or too old."""
    stored = world.tokens.read(_name(id))
    if stored is None:
        return None
    fields = json.loads(stored.value)
    token = Token(**fields["token"]) if fields["token"] else None
    return QueryResult(**{**fields, "token": token})


def access_token(world: World, access: AccessChannel, kind: ChannelType) -> Token:
    """Return a provider's own token, for a sender who calls the provider besides.

    It is the token of the first delivery channel of this type whose platform hands it on. A stored
    token is returned without a query. Raises NotAuthorised, TokenUnsupported or NoToken.
    """
    channel = _with_token(world, access, kind)
    shared = world.tokens.read(token_name(channel.code, channel.credentials_fingerprint))
    if shared is not None:
        return shared
    answered = wait(world, ask(world, channel, Query.TOKEN))
    if answered is None or answered.code:
        code = answered.code if answered else ""
        raise NoToken("type", seconds=int(PATIENCE), code=code)
    if answered.token is None:
        raise TokenUnsupported("type", platform=channel.platform)
    return answered.token


def _with_token(world: World, access: AccessChannel, kind: ChannelType) -> Channel:
    opened = [
        opened for opened in validity.open_channels(world, access) if opened.channel.type is kind
    ]
    if not opened:
        raise NotAuthorised("type", kind)
    for channel, provider in opened:
        if provider.capabilities.hands_on_token:
            return channel
    raise TokenUnsupported("type", platform=opened[0].channel.platform)


# -- in a delivery function, or a worker


def answer(world: World, job: QueryJob) -> None:
    """Ask the provider, and store its answer.

    The first answer stands, and a repeat asks nothing.
    """
    if result(world, job.id) is not None:
        return
    channel = world.settings.channel(job.channel)
    answered: QueryResult | None
    try:
        if channel is None:
            raise Rejected("no_such_channel")
        with connect(world, channel) as session:
            if job.question is Query.TEMPLATES:
                answered = _about_templates(world, job, channel, session)
            else:
                answered = _ask_provider(session, job)
    except ProviderError as error:
        is_throttled = isinstance(error, Throttled)
        kind = "throttled" if is_throttled else type(error).__name__.lower()
        answered = QueryResult(error.code, kind)
    if answered is not None:
        keep(world, job.id, answered)


def keep(world: World, id: str, result: QueryResult) -> None:
    """Store a result under an id for some minutes."""
    until = world.clock.now() + KEPT * 1000
    world.tokens.write(_name(id), Token(json.dumps(asdict(result)), until, until))


def _ask_provider(session: Session, job: QueryJob) -> QueryResult:
    if job.question is Query.TOKEN:
        return QueryResult(token=session.access_token())
    if job.question is Query.AUTHORISATION:
        return QueryResult(link=session.authorisation_link(job.redirect_uri))
    session.check()
    return QueryResult()


def _about_templates(
    world: World, job: QueryJob, channel: Channel, session: Session
) -> QueryResult | None:
    """Carry out what a stored order says. None: another job answers."""
    from chalicelib.flow import third_party

    try:
        return QueryResult(made=third_party.carry_out(world, job, channel, session.registry()))
    except third_party.Unfinished:
        return None


def _name(id: str) -> str:
    return keys.join("asked", id)
