"""Common code of SMS reports: dead numbers, replies, and lists handed out only once."""

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

# States of carriers for a number that does not exist. MK:0001 is the "unknown subscriber" of GSM
# 09.02. The others are "number does not exist" and "not valid" of China Mobile's gateways. Codes
# that also stand for phones that are off or suspended are left out on purpose: a dead contact gets
# nothing any more.
NO_SUCH_NUMBER = ("CB:0001", "CB:0053", "DB:0100", "DB:0101", "MK:0001")
_NO_SUCH_NUMBER_TEXTS = frozenset({"空号", "号码不存在", "用户不存在"})


def is_dead(code: str, description: str = "") -> bool:
    return code in NO_SUCH_NUMBER or description.strip() in _NO_SUCH_NUMBER_TEXTS


def reply(contact: Any, text: Any, time: int | None, id: str = "") -> Reply | None:
    """Return a person's reply, or None if it cannot be understood.

    `id`: of the vendor. Without one it is made of the reply itself.
    """
    number = identifier(contact)
    if not number or not isinstance(text, str) or time is None:
        return None
    clean = text.encode("utf-8", "ignore").decode().replace("\0", "").strip()[:REPLY_CHARACTERS]
    if not clean:
        return None
    digest = hashlib.sha256(f"{number}\n{time}\n{clean}".encode()).hexdigest()[:24]
    return Reply(number, clean, time, id or digest)


def polled(
    reports: Callable[[], Sequence[Receipt]], replies: Callable[[], Sequence[Reply]], provider: str
) -> Sequence[Receipt | Reply]:
    """Return reports and replies of the whole account.

    Each is handed out once, so one that is lost before the ledger is lost for good.
    """
    entries: list[Receipt | Reply] = [*reports()]
    try:
        entries += replies()
    except ProviderError as error:  # the reports are here already, and come only once
        log.warning(
            "replies not fetched", extra={"provider": provider, "provider_code": error.code[:20]}
        )
    return entries


def pulled(pull: Callable[[], Any], size: int) -> Sequence[Any]:
    """Pull lists of at most `size` entries until a shorter one comes.

    Entries from before an error are kept.
    """
    entries: list[Any] = []
    for _ in range(PULLS):
        try:
            listed = pull()
        except ProviderError:
            if not entries:
                raise
            break
        if isinstance(listed, list):
            entries += listed
        if not isinstance(listed, list) or len(listed) < size:
            break
    return entries
