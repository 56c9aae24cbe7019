"""Allowances: how often a member may do in an hour what could be used to try things out."""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import ALLOWANCE_USED_UP

HOUR = 3600  # seconds


class Allowance(NamedTuple):
    name: str
    most: int  # uses of a member in an hour


# Support looks up one person after another. Whoever tries numbers needs thousands.
CONTACT_SEARCHES = Allowance("contact_search", 200)


def use(context: RequestContext, allowance: Allowance) -> None:
    """Count a use of the caller's. Raises Refused when the hour's allowance is used up."""
    caller = context.member.key if context.member else context.sender.key
    now = context.world.clock.now() // 1000
    counter = keys.join("allowance", allowance.name, caller, now // HOUR)
    expires = (now // HOUR + 2) * HOUR
    if not context.world.counters.take(counter, 1, allowance.most, expires).granted:
        raise ALLOWANCE_USED_UP.refuse(most=allowance.most, seconds=HOUR - now % HOUR)
