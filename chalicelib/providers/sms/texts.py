"""What SMS platforms have in common: texts, where they take these instead of the id of a template; numbers, replies."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Invalid, ProviderError, Rejected
from chalicelib.domain.sending import Recipient, Reply
from chalicelib.providers.base import PLACEHOLDER, check_names, optional_text, required_text, word

log = logging.getLogger(__name__)

REPLY_CHARACTERS = 1000
PULLS = 5  # of one poll: each has seconds of the function's time

_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1\d{10})", re.ASCII)

# Carriers' states that say that there is no such number (China Mobile's gateway codes, "number not valid or not assigned"). Codes
# that also stand for phones that are off or suspended are left out on purpose: nothing is sent to a dead contact any more.
_NO_SUCH_NUMBER = frozenset({"CB:0001", "CB:0053", "DB:0101"})
_NO_SUCH_NUMBER_TEXTS = frozenset({"空号", "号码不存在", "用户不存在"})


def pulled(pull: Callable[[], Sequence[Any]], size: int) -> Sequence[Any]:
    """What a platform hands out once, by so many at a time, until there is no more. What came before an error is kept."""
    found: list[Any] = []
    for _ in range(PULLS):
        try:
            listed = pull()
        except ProviderError:
            if not found:
                raise
            break
        found += listed
        if len(listed) < size:
            break
    return found


def check_content(content: Mapping[str, Any], limit: int) -> None:
    """`{content}`: a text with placeholders, whose values are not counted here. Raises Invalid."""
    check_names(content, ("content",), "")
    if len(PLACEHOLDER.sub("", required_text(content, "content", limit=20_000))) > limit:
        raise Invalid("content", f"must have at most {limit} characters")


def check_signature(options: Mapping[str, Any]) -> None:
    signature = optional_text(options, "signature", "options", 16)
    if signature and (len(signature) < 2 or set(signature) & set("【】")):
        raise Invalid("options.signature", "must have 2 to 16 characters, without brackets")


def text_of(recipient: Recipient, signature: str) -> str:
    """The text with a signature in front, 【…】: its own, else the channel's. Carriers send nothing without one."""
    text = recipient.content.get("content")
    if not isinstance(text, str) or not text:
        raise Rejected("no_content")  # a template of another platform of this channel type
    return text if not signature or text.startswith("【") else f"【{signature}】{text}"


def mainland(contact: str) -> str | None:
    """The 11 digits of a number of the Chinese mainland, however it is written; None for any other."""
    found = _MAINLAND.fullmatch(contact)
    return found[1] if found else None


def is_gone(code: str, description: str = "") -> bool:
    return code in _NO_SUCH_NUMBER or description.strip() in _NO_SUCH_NUMBER_TEXTS


def replies(listed: Sequence[Any], read: Callable[[Mapping[str, Any]], Reply | None], provider: str) -> Sequence[Reply]:
    """What people wrote back; what cannot be understood is counted in the log."""
    found = [reply for each in listed if isinstance(each, Mapping) and (reply := read(each)) is not None]
    if len(found) < len(listed):
        log.warning("replies not understood", extra={"provider": provider, "count": len(listed) - len(found)})
    return found


def reply(contact: Any, text: Any, time: int | None, id: str = "") -> Reply | None:
    """What a person wrote; None when it cannot be understood. `id`: where the vendor gives none, made of the reply itself."""
    number = word(contact)
    if not number or not isinstance(text, str) or time is None:
        return None
    clean = text.encode("utf-8", "ignore").decode().replace("\0", "").strip()[:REPLY_CHARACTERS]
    if not clean:
        return None
    return Reply(number, clean, time, id or hashlib.sha256(f"{number}\n{time}\n{clean}".encode()).hexdigest()[:24])
