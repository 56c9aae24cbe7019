"""Results of a work notice, which DingTalk keeps for 24 hours.

Source: https://developer.alibaba.com/docs/api.htm?apiId=37024

A refusal for one user, such as the same text twice on a day, shows only here. The call itself was
answered with success.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.providers.base import identifier

# A notice that reached the person, whether it was opened or not. Opening one is not a click.
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
    """Yield receipts of users with a result by now. A user in several lists was reached."""
    result = body.get("send_result")
    if not isinstance(result, Mapping):
        return
    reached = set().union(*(_ids(result.get(name)) for name in REACHED))
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


def _ids(ids: Any) -> Iterable[str]:
    listed: Iterable[Any] = ()
    if isinstance(ids, str):
        listed = ids.split(",")
    elif isinstance(ids, list):
        listed = ids
    return filter(None, map(identifier, listed))


def _reasons(reasons: Any) -> Iterator[tuple[str, str]]:
    """Yield userid and code of each refusal in `[{code, count, userid}]`.

    143105: more than 500 on a day, 143106: the same text again, 1430002: forbidden words …
    """
    for reason in reasons if isinstance(reasons, list) else ():
        if isinstance(reason, Mapping) and identifier(reason.get("userid")):
            yield identifier(reason.get("userid")), identifier(reason.get("code")) or "forbidden"
