"""Options that every delivery channel has. A channel's other options belong to its provider."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.values import frozen

MAX_RATE = 10_000.0
MAX_WORDS = 50  # of a list
WORD = 20  # characters of a word

# Carriers in China ask senders to understand the first four words. Phones elsewhere send the rest.
# Platforms also use the last words when somebody follows an account, or leaves it.
UNSUBSCRIBE = ("TD", "T", "N", "退订", "STOP", "UNSUBSCRIBE")
SUBSCRIBE = ("START", "订阅", "UNSTOP", "SUBSCRIBE")


@frozen
class Options:
    calls_per_second: float | None = None  # None: the provider's rate, 0: as fast as can be
    send_to_gone: bool = False  # also to contacts that were reported as dead
    # clicks on links, None: unless it costs many calls, see flow/content/render.py
    track_links: bool | None = None
    track_opens: bool = False  # of mails, by a picture
    unsubscribe: bool | None = None  # one click in mails, None: in all but those of priority 1
    unsubscribe_words: tuple[str, ...] = UNSUBSCRIBE
    subscribe_words: tuple[str, ...] = SUBSCRIBE

    def wants_out(self, text: str) -> bool | None:
        """Tell an opt-out (True) from an opt-in (False) in a reply. None: the text is neither."""
        reply = plain(text)
        if not reply:
            return None
        if reply in map(plain, self.unsubscribe_words):
            return True
        return False if reply in map(plain, self.subscribe_words) else None


NAMES = frozenset(field.name for field in fields(Options))
_WORD_LISTS = ("unsubscribe_words", "subscribe_words")


def plain(text: str) -> str:
    """Return the letters and digits of a text, whatever their width and case.

    A text that is too long to be a word becomes empty.
    """
    if len(text) > 4 * WORD:
        return ""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def of(options: Mapping[str, Any]) -> Options:
    """Read a channel's options. A value of a wrong type counts as missing."""
    valid = {
        name: _value(name, value)
        for name, value in options.items()
        if name in NAMES and _reason(name, value) is None
    }
    return Options(**valid)


def check(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options that are the provider's to check. Raise Invalid for a wrong value."""
    for name in sorted(NAMES & options.keys()):
        reason = _reason(name, options[name])
        if reason is not None:
            raise Invalid(f"options.{name}", reason)
    return {name: value for name, value in options.items() if name not in NAMES}


def _value(name: str, value: Any) -> Any:
    return tuple(value) if name in _WORD_LISTS else value


def _reason(name: str, value: Any) -> str | None:
    """Return the reason against a value, or None if the value is valid."""
    if name == "calls_per_second":
        reason = f"must be 0 or a number from 0.01 to {MAX_RATE:g}"
        return None if _is_rate(value) else reason
    if name in _WORD_LISTS:
        reason = (
            f"must be a list of at most {MAX_WORDS} words with letters or digits, "
            f"of {WORD} characters each"
        )
        return None if _are_words(value) else reason
    return None if isinstance(value, bool) else "must be true or false"


def _is_rate(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (value == 0 or 0.01 <= value <= MAX_RATE)


def _are_words(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) > MAX_WORDS:
        return False
    return all(isinstance(word, str) and len(word) <= WORD and plain(word) for word in value)
