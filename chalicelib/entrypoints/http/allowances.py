"""Allowances: how often a caller may do in a while what could try things out, or starve others."""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.audit import log_search
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.entries import Entry
from chalicelib.entrypoints.http.errors import ALLOWANCE_USED_UP, TOO_MANY_CHANGES

HOUR = 3600  # seconds


class Allowance(NamedTuple):
    name: str
    most: int  # uses of a caller in a window
    window: int = HOUR  # seconds
    refusal: Entry = ALLOWANCE_USED_UP


# Support looks up one person after another. Whoever tries numbers needs thousands.
CONTACT_SEARCHES = Allowance("contact_search", 200)

# A request of a thousand users keeps a function busy for about a second.
# More than ten at a time would take the functions that others need.
CHANGES = Allowance("changes", 10_000, 1, TOO_MANY_CHANGES)
FEW = 20  # changes of a request that the rate of requests bounds well enough


def use(context: RequestContext, allowance: Allowance, number: int = 1) -> None:
    """Count uses of the caller's. Raises Refused when the window's allowance is used up."""
    caller = context.member.key if context.member else context.sender.key
    now = context.world.clock.now() // 1000
    window = now // allowance.window
    counter = keys.join("allowance", allowance.name, caller, window)
    expires = window * allowance.window + 2 * HOUR
    if not context.world.counters.take(counter, number, allowance.most, expires).granted:
        seconds = allowance.window - now % allowance.window
        raise allowance.refusal.refuse(most=allowance.most, seconds=seconds)


def search(context: RequestContext, contact: str, *types: ChannelType) -> None:
    """Count and log a search by contact, of one type or several. Raises Refused.

    Every answer that depends on a contact in the request goes through here.
    """
    use(context, CONTACT_SEARCHES)
    for type in types:
        log_search(context, type, contact)


def change(context: RequestContext, number: int) -> None:
    """Count the changes of a request that changes many things. Raises Refused."""
    if number > FEW:
        use(context, CHANGES, number)
