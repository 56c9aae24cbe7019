"""A provider's library of templates: search it, and make templates of it."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.third_party import LIBRARIES, Action, Family, Library, Order, Title
from chalicelib.manage.third_party import Account, ask, check_room


def sync(account: Account) -> str:
    sort = account.sort_with(Family.TEMPLATE, Action.SYNC)
    return ask(account, Order(Action.SYNC, sort))


def ask_keywords(account: Account, id: str) -> str:
    sort = account.sort_with(Family.TEMPLATE, Action.KEYWORDS)
    return ask(account, Order(Action.KEYWORDS, sort, (id,)))


def choose(account: Account, id: str, keywords: Sequence[int], scene: str) -> str:
    """Make a template of the library with these keywords, in their order."""
    sort = account.sort_with(Family.TEMPLATE, Action.CHOOSE)
    check_room(account, Family.TEMPLATE)
    order = Order(Action.CHOOSE, sort, (id,), keywords=tuple(keywords), scene=scene)
    return ask(account, order)


def library(account: Account) -> Library:
    """Return the library as it was synced last, empty before."""
    account.sort_with(Family.TEMPLATE, Action.SYNC)
    found = account.world.records.of(LIBRARIES).get(account.code)
    return found or Library(account.code)


def titles(library: Library, text: str, after: int, limit: int) -> Sequence[tuple[int, Title]]:
    """Return titles with a text in them, each with its place in the library, from 1."""
    wanted = text.casefold()
    found = [
        (place, title)
        for place, title in enumerate(library.titles, 1)
        if place > after and (wanted in title.title.casefold() or wanted == title.id)
    ]
    return found[:limit] if limit else found
