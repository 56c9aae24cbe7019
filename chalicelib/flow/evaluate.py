"""8. Look at a page when its timer is due: who goes on to the next step, what a crash left, what has expired."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.chunks import Page, Wait
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.jobs import PlanJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import GoList, PageId
from chalicelib.domain.strategies import Verdict
from chalicelib.flow import audience, dispatch, withdraw
from chalicelib.flow import timers as due
from chalicelib.flow.delivery import quota
from chalicelib.flow.delivery.cancel import Closing, close
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World

log = logging.getLogger("openums")

ROUNDS = 8  # how often a look starts again when somebody else changed the page meanwhile


def look(world: World, timers: Sequence[Timer]) -> None:
    due.each(lambda page: settle(world, page), dict.fromkeys(timer.page for timer in timers))


def settle(world: World, at: PageId) -> None:
    """Do all that is due for a page now, and set the timer for what is due later. Safe to run twice at once."""
    message = world.messages.get(at.msgid)
    if message is None:
        return
    page = world.ledger.page(at)
    if page is None:
        if (
            at.page == 0 and world.messages.withdrawn(at.msgid) is None
        ):  # stored, but its first jobs were never sent
            _start_walkers(world, message)
            again = world.clock.now() + world.limits.check_after * 1000
            world.timers.set([Timer(again, TimerKind.LOOK, at, message.priority)])
        return
    if page.withdrawn is not None:
        withdraw.settle(world, message, page)
        return
    if at.page == 0 and message.audience.is_walked:
        _start_walkers(world, message)
    for _ in range(ROUNDS):
        changed = _expire(world, message, page) or _send_on(world, message, page)
        if not changed:
            break
        page = world.ledger.page(at) or page
    _find_what_a_crash_left(world, message, page)
    _set_next_look(world, message, page)


def _start_walkers(world: World, message: Message) -> None:
    """Send the first jobs again of walkers that have planned nothing yet. The first page's looks stand for all of them."""
    if world.clock.now() < message.accepted + world.limits.check_after * 1000:
        return
    missing = [
        page
        for page in message.first_pages
        if world.ledger.plan(PageId(message.msgid, page)) is None
    ]
    world.queues.send(
        [
            job
            for job in audience.first_jobs(message)
            if isinstance(job.job, PlanJob) and job.job.page in missing
        ]
    )


def _send_on(world: World, message: Message, page: Page) -> bool:
    """Freeze who goes on to each step, and send the jobs from that list only. Whether there was a new list."""
    for step in range(1, len(message.strategy.steps)):
        members = _who_goes_on(world, message, page, step)
        if members:
            number = len(page.lists(step))
            mine = GoList(step, number, members, world.clock.now())
            stored = world.ledger.freeze(page.plan.id, mine, message)
            if stored == mine:
                world.queues.send(
                    dispatch.jobs(message, replace(page, go=(*page.go, mine)), step, number)
                )
                where = {"msgid": message.msgid, "page": page.plan.id.page, "step": step + 1}
                log.info("step_decided", extra={**where, "targets": len(members)})
            return True
    return False


def _who_goes_on(world: World, message: Message, page: Page, step: int) -> tuple[int, ...]:
    now, gone = world.clock.now(), page.members(step)
    waiting = sorted(page.members(step - 1) - gone)
    return tuple(t for t in waiting if page.verdict(message, t, step, now)[0] is Verdict.GO)


def _expire(world: World, message: Message, page: Page) -> bool:
    """Close the calls that were not made in time, so that no worker can claim them any more. Whether there were any."""
    changed = False
    for call in _open(message, page):
        expires = _expires(world, page, call)
        if world.clock.now() >= expires:
            changed = _close(world, message, page, call, expires) or changed
    return changed


def _expires(world: World, page: Page, call: OpenCall) -> int:
    return quota.expires(world, call, waits=_wait_for_quota(page, call) is not None)


def _close(world: World, message: Message, page: Page, call: OpenCall, time: int) -> bool:
    fact = Fact(
        call.places[0],
        FactKind.EXPIRED,
        time,
        "quota_used_up" if _wait_for_quota(page, call) else "not_in_time",
        "timer",
    )
    return close(world, message, page, call, fact) in (Closing.CLOSED, Closing.CHANGED)


def _open(message: Message, page: Page) -> Iterable[OpenCall]:
    for step in range(len(message.strategy.steps)):
        for go in page.lists(step):
            yield from dispatch.open_calls(message, page, go)


def _find_what_a_crash_left(world: World, message: Message, page: Page) -> None:
    """Send the jobs again of calls that nobody makes, and plan on where planning stopped."""
    now, grace = world.clock.now(), world.limits.check_after * 1000
    waiting = [
        c for c in _open(message, page) if not all(page.of(place).ended for place in c.places)
    ]
    forgotten = [c for c in waiting if now >= _expected(page, c, grace)]
    for wait in dict.fromkeys(wait for call in forgotten if (wait := _wait_for_quota(page, call))):
        # Said first: the job may be made to wait again before we are. It has only what waited, whatever has a job of its own already.
        world.ledger.put_wait(page.plan.id, replace(wait, until=now, for_quota=False), message)
        world.queues.send([dispatch.job_of(message, page.plan.id, wait.key, wait.end)])
    keys = {call.key for call in forgotten if _wait_for_quota(page, call) is None}
    for step, number in sorted({(key.step, key.number) for key in keys}):
        world.queues.send(dispatch.jobs(message, page, step, number, keys))
    if page.plan.next is not None and now >= page.plan.time + grace:
        following = PageId(message.msgid, message.page_after(page.plan.id.page))
        if world.ledger.plan(following) is None:
            audience.plan(world, PlanJob(message.msgid, following.page, page.plan.next))


def _expected(page: Page, call: OpenCall, grace: int) -> int:
    """The time (ms) by which somebody should have made the call, or given it back again."""
    parked, record, wait = (
        _wait_for_quota(page, call),
        page.calls.get(call.key),
        page.wait(call.key),
    )
    if parked is not None:
        return parked.until
    return max(call.decided if record is None else record.lease, wait.until if wait else 0) + grace


def _wait_for_quota(page: Page, call: OpenCall) -> Wait | None:
    """Since when nobody has tried to make the call."""
    record, wait = page.calls.get(call.key), page.wait(call.key)
    return (
        wait
        if wait is not None and wait.for_quota and (record is None or record.lease <= wait.until)
        else None
    )


def _set_next_look(world: World, message: Message, page: Page) -> None:
    now, grace = world.clock.now(), world.limits.check_after * 1000
    times = [
        at
        for step in range(1, len(message.strategy.steps))
        for at in _waits(message, page, step, now)
    ]
    times += [
        _next_look_at(world, page, call)
        for call in _open(message, page)
        if not all(page.of(p).ended for p in call.places)
    ]
    if page.plan.next is not None and now < page.plan.time + grace:
        times.append(page.plan.time + grace)
    if times:
        world.timers.set(
            [Timer(max(min(times), now), TimerKind.LOOK, page.plan.id, message.priority)]
        )


def _next_look_at(world: World, page: Page, call: OpenCall) -> int:
    """When to look whether a call was made. A call that waits long (a full queue) is sent again ever more seldom."""
    now, grace = world.clock.now(), world.limits.check_after * 1000
    expected = _expected(page, call, grace)
    at = expected if expected > now else now + max(grace, now - call.decided)
    expires = _expires(world, page, call)
    return min(at, expires) if expires > now else now + grace


def _waits(message: Message, page: Page, step: int, now: int) -> Iterable[int]:
    for target in page.members(step - 1) - page.members(step):
        verdict, at = page.verdict(message, target, step, now)
        if verdict is Verdict.WAIT and at is not None:
            yield at
