"""9. Recount the pages that changed. Counts are replaced, never incremented, so nothing is counted twice or missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.funnel import Counts, count, total
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import PageId
from chalicelib.flow import timers as due
from chalicelib.ports import Limits, World


def changed(world: World, pages: Iterable[PageId]) -> None:
    """Facts were added to these pages: one recount per page and slot, the later the older the message is."""
    now = world.clock.now()
    world.timers.set([_timer(page, now, world.limits) for page in sorted(set(pages))])


def _timer(page: PageId, now: int, limits: Limits) -> Timer:
    age = now - keys.message_time(page.msgid)
    # A page is counted about three times within the time that a delay serves.
    delay = (
        next((d for d in limits.recount_delays if age < 3 * d * 1000), limits.recount_delays[-1])
        * 1000
    )
    soonest = (
        now + 2 * limits.clock_width * 1000
    )  # else the clock would move the last changes of a slot to slots of their own
    return Timer((soonest // delay + 1) * delay, TimerKind.RECOUNT, page, Priority.LOW)


def recount(world: World, timers: Sequence[Timer]) -> None:
    due.each(lambda page: recount_page(world, page), dict.fromkeys(timer.page for timer in timers))


def recount_page(world: World, at: PageId) -> Counts | None:
    """Count a page from one consistent reading, and replace its counts. None when its history has expired."""
    message = world.messages.get(at.msgid)
    page = world.ledger.page(at) if message else None
    if message is None or page is None:
        return None
    counts = count(message, page)
    world.messages.put_counts(at, counts, message.expires)
    return counts


def live(world: World, message: Message) -> Counts:
    """The counts of a message now, from its ledger: every page is read."""
    found: list[Counts] = []
    for first in message.first_pages:
        number: int | None = first
        while number is not None:
            page = world.ledger.page(PageId(message.msgid, number))
            if page is None:
                break
            found.append(count(message, page))
            number = message.page_after(number) if page.plan.next is not None else None
    return total(found)
