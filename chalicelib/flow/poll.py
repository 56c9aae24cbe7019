"""Poll receipts of channels whose provider is asked for them, instead of posting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib import observability
from chalicelib.domain import elements
from chalicelib.domain.chunks import CallAnswer, Chunk
from chalicelib.domain.delivery_channels import Channel, Priority, ReceiptMode
from chalicelib.domain.errors import Misconfigured, ProviderError, Rejected
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import Envelope, PollJob, Timer, TimerKind
from chalicelib.domain.provider_io import Capabilities, Receipt, Reply
from chalicelib.flow import receipts, validity
from chalicelib.flow.delivery.sessions import connect
from chalicelib.flow.timers import begin_until
from chalicelib.observability import log
from chalicelib.ports import World

SHORTEST = 30  # seconds between two polls of a chunk
EVERY = 60  # seconds between two starts
NEARLY_FULL = 400  # reports in one answer after which there is surely more to poll
STORE_AGAIN = (1.0, 2.0, 4.0)  # seconds between tries to store reports
GOLDEN = 0.618034
POLL_AGAIN = 6  # seconds: a provider may allow one such request in five


# -- all receipts of an account at once


def start(world: World) -> None:
    """Start polling the providers that hand out all receipts of an account at once.

    Runs every minute, and sends one job per channel while receipts may be open. A channel on which
    nothing is sent any more is polled ever more seldom, and then no more.
    """
    polled = [
        channel
        for channel in world.settings.channels()
        if is_polled_as_a_whole(world, channel)
        and not validity.not_served(world, _capabilities(world, channel))
    ]
    last_sent = world.lookups.expected([channel.code for channel in polled]) if polled else {}
    now = world.clock.now()
    due = [
        channel
        for channel in polled
        if channel.code in last_sent
        and _is_due(_capabilities(world, channel), (now - last_sent[channel.code]) // 1000)
    ]
    world.queues.send(
        [
            Envelope(PollJob(channel.code), Priority.HIGH, channel.type, channel.code)
            for channel in due
        ]
    )


def is_polled_as_a_whole(world: World, channel: Channel) -> bool:
    is_polled = channel.receipts is ReceiptMode.POLL
    return is_polled and not _capabilities(world, channel).polled_by_call


def _is_due(capabilities: Capabilities, age: int) -> bool:
    """Tell if a channel is polled in this minute. `age`: seconds since the last submission.

    It is polled every minute for ten minutes. Then it is polled every second minute, every third
    one and so on, until the window ends.
    """
    minute = max(age, 0) // 60
    is_in_window = capabilities.poll_first <= age + EVERY and age < capabilities.poll_window
    return is_in_window and minute % (minute // 10 + 1) == 0


def _capabilities(world: World, channel: Channel) -> Capabilities:
    return world.providers.of(channel.platform).capabilities


def poll_channel(world: World, job: PollJob) -> None:
    channel = world.settings.channel(job.channel)
    if channel is None or channel.receipts is not ReceiptMode.POLL:
        return
    with connect(world, channel) as session:
        reports = session.poll({})
        _record(world, channel, reports)
    if len(reports) >= NEARLY_FULL:
        world.queues.send([Envelope(job, Priority.HIGH, channel.type, channel.code, POLL_AGAIN)])


def _record(world: World, channel: Channel, reports: Sequence[Receipt | Reply]) -> None:
    """Store reports, and try again after a failure: most accounts hand out a report only once.

    Repeating it changes nothing.
    """
    code = channel.code
    for pause in (*STORE_AGAIN, None):
        try:
            receipts.record(world, code, [r for r in reports if isinstance(r, Receipt)])
            receipts.record_replies(world, code, [r for r in reports if isinstance(r, Reply)])
            return
        except Exception as error:
            if pause is None:
                raise
            fields = {"channel": code, "reports": len(reports)}
            log.warning("reports_not_stored", exc_info=error, extra=fields)
            world.clock.sleep(pause)


# -- the receipts of a chunk


def poll_chunk(world: World, timer: Timer) -> None:
    """Poll for a chunk's open deliveries, and set a timer while there are any.

    The polls become ever more seldom. The last one comes when the provider's `poll_window` is over.
    """
    channel = world.settings.channel(elements.channel_of(timer.channel))
    message = world.messages.get(timer.chunk.msgid)
    chunk = world.ledger.chunk(timer.chunk, message) if message else None
    if channel is None or message is None or chunk is None:
        return
    awaited = _awaited(chunk, timer.channel)
    if not awaited:
        return
    # A step may be sent days after its message was accepted.
    now, last_sent = world.clock.now(), max(answer.time for answer, _ in awaited)
    age = (now - last_sent) // 1000
    is_last = age >= _capabilities(world, channel).poll_window
    if not is_last:  # set before the poll: a provider that fails now is polled again
        due = now + max(SHORTEST, age // 2) * 1000
        world.timers.set([Timer(due, TimerKind.POLL, timer.chunk, timer.priority, timer.channel)])
    error = _ask(world, channel, {answer.provider_id: contacts for answer, contacts in awaited})
    if error is None:
        return
    if is_last:
        raise error
    # Not raised: the job would come again by itself, and set another timer each time.
    log.warning("poll_failed", extra={"channel": channel.code, "code": error.code})
    if isinstance(error, Misconfigured):
        observability.metric("channel_misconfigured")


def _ask(
    world: World, channel: Channel, contacts_by_id: Mapping[str, Sequence[str]]
) -> ProviderError | None:
    """Ask for call by call, while there is time, and store what is told. Return an error.

    There may be a call for each person. A call that the provider refuses to tell of keeps no others
    from their turn.
    """
    reports, until = list[Receipt | Reply](), begin_until(world)
    failure: ProviderError | None = None
    try:
        with connect(world, channel) as session:
            for n, id in enumerate(_turned(list(contacts_by_id), world.clock.now())):
                if n and world.clock.now() > until:
                    break
                try:
                    reports += session.poll({id: contacts_by_id[id]})
                except Rejected as error:
                    failure = error
    except ProviderError as error:
        failure = error
    _record(world, channel, reports)
    return failure


def _turned(ids: Sequence[str], now: int) -> Sequence[str]:
    """Return ids in turned order. Each time begins at another place, so that all have their turn.

    Multiples of the golden section are spread evenly.
    """
    first = int(now / 1000 * GOLDEN % 1 * len(ids))
    return [*ids[first:], *ids[:first]]


def _awaited(chunk: Chunk, code: str) -> list[tuple[CallAnswer, list[str]]]:
    """Return the calls of an element with the contacts whose receipts are still open."""
    answers = [answer for answer in chunk.answers.values() if answer.key.channel == code]
    awaited = [(answer, _open_contacts(chunk, answer)) for answer in answers]
    return [(answer, contacts) for answer, contacts in awaited if contacts]


def _open_contacts(chunk: Chunk, answer: CallAnswer) -> list[str]:
    contacts: list[str] = []
    for fact in answer.facts:
        state = chunk.state_of(fact.ref)
        is_open = not state.delivered and not state.has(FactKind.DELIVERY_FAILED)
        if fact.kind is FactKind.SUBMITTED and is_open:
            contacts.append(chunk.plan.contact(fact.ref))
    return contacts
