"""Ids of WeCom's users: what they may look like, and those that an answer gives back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chalicelib.domain.provider_io import Loss, Outcome
from chalicelib.providers.wecom.api import NOBODY, NOT_THERE

# https://developer.work.weixin.qq.com/document/path/90195: 1 to 64 letters, digits, `_-@.`, the first a letter or digit. In a list
# they are joined by `|`, and `@all` is everybody.
USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
LINKED = re.compile(r"(?:[A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


def names(given: Any) -> frozenset[str]:
    """`a|b` of application messages, or the list of linked corporations, in lower case."""
    listed: Iterable[Any] = (
        given.split("|") if isinstance(given, str) else given if isinstance(given, list) else ()
    )
    return frozenset(name.lower() for name in listed if isinstance(name, str) and name)


def nobody(code: str, users: int) -> bool:
    """Whether an error says of all users of a call that they cannot be reached."""
    return code in NOBODY or (users == 1 and code in NOT_THERE)


def lost(code: str) -> Outcome:
    """A user who is not there, or whom the application may not see."""
    return Outcome(Loss.INVALID_TARGET, code)
