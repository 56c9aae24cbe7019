"""Withdraw a message: what has not left is stopped, what was submitted is taken back where the provider can.

Deliveries need no reading of their own to respect it. The mark of a page stands in its partition of the ledger, which every job reads
anyway; and a call that was open when the page was marked is closed by the same conditional put that claims it, so that either the
worker has it or nobody ever will. Planners look at the message's own mark before each page.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from chalicelib import observability
from chalicelib.domain.chunks import Page
from chalicelib.domain.errors import Misconfigured, ProviderError, Refused, Unavailable, Uncertain
from chalicelib.domain.facts import Fact, FactKind, Place
from chalicelib.domain.jobs import Envelope, RecallJob, Timer, TimerKind, WithdrawJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import PageId
from chalicelib.flow import dispatch
from chalicelib.flow.delivery.cancel import Closing, close
from chalicelib.flow.delivery.sessions import connect
from chalicelib.flow.dispatch import OpenCall
from chalicelib.flow.messages import own
from chalicelib.ports import Session, World

log = logging.getLogger("openums")

WITHIN = (
    24 * 3600
)  # seconds after its acceptance that a message can be withdrawn, and for so long it is tried
PAGES_PER_JOB = 10
MAX_TRIES, MAX_DELAY = 10, 900  # of a recall that the provider does not answer; seconds between two
ALREADY, TOO_LATE = 1015055, 1019031  # UMS: already withdrawn; our own

_RESULT = (FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)


def withdraw(world: World, channel_key: str, msgid: str) -> None:
    """Raises LookupError for a message that the access channel does not have, Refused for one too old or withdrawn already."""
    message, now = own(world, channel_key, msgid), world.clock.now()
    if now - message.accepted > WITHIN * 1000:
        raise Refused(
            TOO_LATE,
            f"msgid: 只能撤回24小时内的消息 (it was accepted more than {WITHIN // 3600} hours ago)",
            field="msgid",
        )
    first = PageId(msgid, 0)
    timer = Timer(
        now + world.limits.check_after * 1000, TimerKind.WITHDRAW, first, message.priority
    )
    if not world.messages.withdraw(message, now, timer):
        raise Refused(ALREADY, "消息已经被撤回 (the message was withdrawn already)", field="msgid")
    try:  # from here on the timer sees to it, should this worker end
        world.ledger.withdraw(first, now, message)
        world.queues.send(_first_jobs(message))
    except Exception as error:
        log.error("withdrawal_not_queued", exc_info=error, extra={"msgid": msgid})
    log.info("message_withdrawn", extra={"msgid": msgid, "channel_key": channel_key})


def _first_jobs(message: Message) -> list[Envelope]:
    """One per walker."""
    return [_job(message, page) for page in message.first_pages]


def _job(message: Message, page: int) -> Envelope:
    return Envelope(WithdrawJob(message.msgid, page), message.priority, None, message.channel_key)


def start_again(world: World, timers: Sequence[Timer]) -> None:
    """The timer that was set with the mark: send the first jobs, whether they were sent before or not."""
    for timer in timers:
        message = world.messages.get(timer.page.msgid)
        if message is not None:
            world.queues.send(_first_jobs(message))


def walk(world: World, job: WithdrawJob) -> None:
    """Mark a walker's pages and stop what is in them. Where none is planned, the planner finds the message's mark or this page's."""
    message, since = world.messages.get(job.msgid), world.messages.withdrawn(job.msgid)
    if message is None or since is None:
        return
    number = job.page
    for _ in range(PAGES_PER_JOB):
        at = PageId(job.msgid, number)
        world.ledger.withdraw(at, since, message)
        page = world.ledger.page(at)
        if page is None:
            return
        settle(world, message, page)
        if page.plan.next is None:
            return
        number = message.page_after(number)
    world.queues.send([_job(message, number)])


def settle(world: World, message: Message, page: Page) -> None:
    """Stop and take back what can be now, and come back for what cannot. Safe to repeat at any point."""
    since, now = page.withdrawn or world.clock.now(), world.clock.now()
    calls = [
        c
        for step in range(len(message.strategy.steps))
        for go in page.lists(step)
        for c in dispatch.open_calls(message, page, go)
    ]
    is_left = stop(world, message, page, calls)
    asked = _ask_back(world, message, page, is_late=now > since + WITHIN * 1000)
    if is_left or asked:
        leases = [
            r.lease for c in calls if (r := page.calls.get(c.key)) is not None and r.is_live(now)
        ]
        later = now + max(world.limits.check_after * 1000, now - since)  # ever more seldom
        at = min([*leases, later])
        world.timers.set([Timer(max(at, now), TimerKind.LOOK, page.plan.id, message.priority)])


def stop(world: World, message: Message, page: Page, calls: Iterable[OpenCall]) -> bool:
    """Close calls that nobody is making. Whether one is left."""
    fact = Fact(
        Place(0, "", 0), FactKind.WITHDRAWN, page.withdrawn or world.clock.now(), "", "withdrawal"
    )
    found = {close(world, message, page, call, fact) for call in calls}
    return not found.isdisjoint({Closing.BUSY, Closing.CHANGED})


def _ask_back(world: World, message: Message, page: Page, *, is_late: bool) -> bool:
    """Send jobs for what can be taken back, and say of the rest that it cannot. Whether there is a job."""
    by_code: dict[str, list[Place]] = {}
    for place in _submitted(page):
        by_code.setdefault(place.channel, []).append(place)
    jobs: list[Envelope] = []
    for code, places in sorted(by_code.items()):
        channel = world.settings.channel(code)
        if (
            channel is None
            or is_late
            or not world.providers.of(channel.platform).capabilities.recall
        ):
            _add(
                world,
                message,
                page,
                places,
                "not_in_time" if is_late else "cannot_be_recalled",
                failed=True,
            )
        else:
            jobs.append(_recall_job(message, RecallJob(message.msgid, page.plan.id.page, code)))
    world.queues.send(jobs)
    return bool(jobs)


def _submitted(page: Page) -> list[Place]:
    """The deliveries that were submitted, and of which nothing is known since."""
    return sorted(
        place
        for place, known in page.known.items()
        if FactKind.SUBMITTED in known.facts and not known.has(*_RESULT)
    )


def _recall_job(message: Message, job: RecallJob, delay: float = 0) -> Envelope:
    return Envelope(
        job,
        message.priority,
        message.channels[job.channel],
        message.channel_key,
        min(round(delay), MAX_DELAY),
    )


def recall(world: World, job: RecallJob) -> None:
    """Take back what a page has submitted on a channel. Asking twice does no harm: what is gone is gone."""
    message, channel = world.messages.get(job.msgid), world.settings.channel(job.channel)
    page = world.ledger.page(PageId(job.msgid, job.page)) if message else None
    if message is None or page is None or channel is None or page.withdrawn is None:
        return
    wanted = _by_id(page, job.channel)
    again: float | None = None
    with connect(world, channel) as session:
        for provider_id, places in wanted.items():
            try:
                _recall_one(world, message, page, session, provider_id, places)
            except (Unavailable, Uncertain) as error:
                if job.tries + 1 >= MAX_TRIES:
                    _add(world, message, page, places, error.code, failed=True)
                else:
                    again = max(again or 0.0, error.retry_after or 2.0**job.tries)
    if again is not None:
        world.queues.send(
            [
                _recall_job(
                    message, RecallJob(job.msgid, job.page, job.channel, job.tries + 1), again
                )
            ]
        )


def _by_id(page: Page, code: str) -> Mapping[str, list[Place]]:
    """The provider's id -> deliveries; under no id those that have none."""
    of_call = {
        f.place: answer.provider_id
        for answer in page.answers.values()
        for f in answer.facts
        if f.kind is FactKind.SUBMITTED
    }
    found: dict[str, list[Place]] = {}
    for place in _submitted(page):
        if place.channel == code:
            own = page.of(place).facts[FactKind.SUBMITTED].provider_id
            found.setdefault(own or of_call.get(place, ""), []).append(place)
    return found


def _recall_one(
    world: World,
    message: Message,
    page: Page,
    session: Session,
    provider_id: str,
    places: Sequence[Place],
) -> None:
    """Raises Unavailable or Uncertain when it should be asked again."""
    if not provider_id:
        return _add(world, message, page, places, "no_id", failed=True)
    try:
        outcomes = session.recall(provider_id, [page.plan.contact(place) for place in places])
    except (Unavailable, Uncertain):
        raise
    except ProviderError as error:
        if isinstance(error, Misconfigured):
            log.warning("channel_misconfigured", extra={"msgid": message.msgid, "code": error.code})
            observability.metric("channel_misconfigured")
        return _add(world, message, page, places, error.code, failed=True)
    for is_lost in (False, True):
        for code in sorted({o.code for o in outcomes if (o.loss is not None) is is_lost}):
            mine = [
                p
                for p, o in zip(places, outcomes, strict=True)
                if (o.loss is not None) is is_lost and o.code == code
            ]
            _add(world, message, page, mine, code, failed=is_lost)
    return None


def _add(
    world: World, message: Message, page: Page, places: Sequence[Place], code: str, *, failed: bool
) -> None:
    kind, now = FactKind.WITHDRAW_FAILED if failed else FactKind.WITHDRAWN, world.clock.now()
    world.ledger.add(
        page.plan.id, [Fact(place, kind, now, code, "withdrawal") for place in places], message
    )
