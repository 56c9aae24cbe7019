"""What became of a work notice, as DingTalk tells it for 24 hours: https://developer.alibaba.com/docs/api.htm?apiId=37024

A refusal for one user, such as the same text twice on a day, shows only here: the call itself was answered with success.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.providers.base import word

# A notice that reached the person, whether it was opened or not. Opening one is no click.
REACHED = ("read_user_id_list", "unread_user_id_list")
INVALID, FAILED, FORBIDDEN, REASONS = (
    "invalid_user_id_list",
    "failed_user_id_list",
    "forbidden_user_id_list",
    "forbidden_list",
)


def read(
    task_id: str, body: Mapping[str, Any], awaited: Iterable[str], now: int
) -> Iterator[Receipt]:
    """Receipts of those of whom something is known by now. Who stands in several lists was reached."""
    result = body.get("send_result")
    if not isinstance(result, Mapping):
        return
    reached = {userid for name in REACHED for userid in _ids(result.get(name))}
    lost = dict.fromkeys(_ids(result.get(FAILED)), ("failed", False))
    lost |= dict.fromkeys(_ids(result.get(FORBIDDEN)), ("forbidden", False))
    lost |= {userid: (code, False) for userid, code in _reasons(result.get(REASONS))}
    lost |= dict.fromkeys(_ids(result.get(INVALID)), ("invalid_user", True))
    for contact in awaited:
        if contact in reached:
            yield Receipt(task_id, ReceiptKind.DELIVERED, now, contact)
        elif contact in lost:
            code, undeliverable = lost[contact]
            yield Receipt(task_id, ReceiptKind.DELIVERY_FAILED, now, contact, code, undeliverable)


def _ids(given: Any) -> Iterable[str]:
    listed: Iterable[Any] = (
        given.split(",") if isinstance(given, str) else given if isinstance(given, list) else ()
    )
    return filter(None, map(word, listed))


def _reasons(given: Any) -> Iterator[tuple[str, str]]:
    """`{code, count, userid}` each: 143105 more than 500 on a day, 143106 the same text again, 1430002 forbidden words …"""
    for each in given if isinstance(given, list) else ():
        if isinstance(each, Mapping) and word(each.get("userid")):
            yield word(each.get("userid")), word(each.get("code")) or "forbidden"
