"""What SMS platforms report, whatever their words: numbers that do not exist, replies, and what is handed out only once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from chalicelib.domain.errors import ProviderError
from chalicelib.domain.provider_io import Receipt, Reply
from chalicelib.providers.base import identifier

log = logging.getLogger(__name__)

REPLY_CHARACTERS = 1000
PULLS = 5  # of one poll: each has seconds of the function's time

# Carriers' states that say that there is no such number: MK:0001 is the "unknown subscriber" of GSM
# 09.02, the others are "number does not exist" and "not valid" of China Mobile's gateways. Codes
# that also stand for phones that are off or suspended are left out on purpose: nothing is sent to a
# dead contact any more.
NO_SUCH_NUMBER = ("CB:0001", "CB:0053", "DB:0100", "DB:0101", "MK:0001")
_NO_SUCH_NUMBER_TEXTS = frozenset({"空号", "号码不存在", "用户不存在"})


def is_gone(code: str, description: str = "") -> bool:
    return code in NO_SUCH_NUMBER or description.strip() in _NO_SUCH_NUMBER_TEXTS


def reply(contact: Any, text: Any, time: int | None, id: str = "") -> Reply | None:
    """What a person wrote; None when it cannot be understood. `id`: where the vendor gives none, made of the reply itself."""
    number = identifier(contact)
    if not number or not isinstance(text, str) or time is None:
        return None
    clean = text.encode("utf-8", "ignore").decode().replace("\0", "").strip()[:REPLY_CHARACTERS]
    if not clean:
        return None
    return Reply(
        number,
        clean,
        time,
        id or hashlib.sha256(f"{number}\n{time}\n{clean}".encode()).hexdigest()[:24],
    )


def polled(
    reports: Callable[[], Sequence[Receipt]], replies: Callable[[], Sequence[Reply]], provider: str
) -> Sequence[Receipt | Reply]:
    """Reports and replies of the whole account. Each is handed out once: what is lost between this and the ledger is lost."""
    found: list[Receipt | Reply] = [*reports()]
    try:
        found += replies()
    except ProviderError as error:  # the reports are here already, and come only once
        log.warning(
            "replies not fetched", extra={"provider": provider, "provider_code": error.code[:20]}
        )
    return found


def pulled(pull: Callable[[], Any], size: int) -> Sequence[Any]:
    """What a platform hands out by so many at a time, until there is no more. What came before an error is kept."""
    found: list[Any] = []
    for _ in range(PULLS):
        try:
            listed = pull()
        except ProviderError:
            if not found:
                raise
            break
        if isinstance(listed, list):
            found += listed
        if not isinstance(listed, list) or len(listed) < size:
            break
    return found
