"""Ids of WeCom's users: their form, and the ids in an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.provider_io import Loss, Outcome
from chalicelib.providers.wecom.api import NOBODY, NOT_THERE

# https://developer.work.weixin.qq.com/document/path/90195: 1 to 64 letters, digits, `_-@.`, the
# first a letter or digit. `|` joins the ids of a list, and `@all` is everybody.
USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
LINKED = re.compile(r"(?:[A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


def names(ids: Any) -> frozenset[str]:
    """Return lower-case ids: of `a|b` in application messages, or of a list in linked ones."""
    listed: Iterable[Any] = ()
    if isinstance(ids, str):
        listed = ids.split("|")
    elif isinstance(ids, list):
        listed = ids
    return frozenset(name.lower() for name in listed if isinstance(name, str) and name)


def lost(code: str) -> Outcome:
    """Return the outcome of a user who does not exist, or whom the application may not see."""
    return Outcome(Loss.INVALID_TARGET, code)


SOMEBODY: Mapping[str, Outcome] = {code: lost(code) for code in NOT_THERE}
NONE_OF_THEM: Mapping[str, Outcome] = {code: lost(code) for code in NOBODY}
