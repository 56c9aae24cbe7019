"""What every delivery channel may be told, whatever its platform. The rest of a channel's options is its provider's."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from chalicelib.domain.errors import Invalid

MAX_RATE = 10_000.0
MAX_WORDS, WORD = 50, 20  # of a list; characters of a word

# What carriers in China ask senders to understand, and what phones elsewhere send. The last words are also what platforms call it when
# somebody follows an account, or leaves it.
UNSUBSCRIBE = ("TD", "T", "N", "退订", "STOP", "UNSUBSCRIBE")
SUBSCRIBE = ("START", "订阅", "UNSTOP", "SUBSCRIBE")


@dataclass(frozen=True)
class Options:
    calls_per_second: float | None = None  # None: as the provider has it; 0: as fast as can be
    send_to_gone: bool = False  # also to contacts that were reported as dead
    track_links: bool | None = (
        None  # clicks on links; None: unless it costs many calls, see flow/content/render.py
    )
    track_opens: bool = False  # of mails, by a picture
    unsubscribe: bool | None = None  # one click in mails; None: in all but those of priority 1
    unsubscribe_words: tuple[str, ...] = UNSUBSCRIBE
    subscribe_words: tuple[str, ...] = SUBSCRIBE

    def wants_out(self, text: str) -> bool | None:
        """What somebody who writes this wants: True: no more messages; False: messages again; None: something else."""
        said = plain(text)
        if not said:
            return None
        if said in map(plain, self.unsubscribe_words):
            return True
        return False if said in map(plain, self.subscribe_words) else None


NAMES = frozenset(field.name for field in fields(Options))
_WORD_LISTS = ("unsubscribe_words", "subscribe_words")


def plain(text: str) -> str:
    """Letters and digits, whatever their width and case; empty for what is too long to be a word."""
    if len(text) > 4 * WORD:
        return ""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def of(options: Mapping[str, Any]) -> Options:
    """Those that have the right shape; the others count as not given."""
    return Options(
        **{
            name: _value(name, given)
            for name, given in options.items()
            if name in NAMES and _reason(name, given) is None
        }
    )


def check(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options that are left for the provider; raises Invalid for one of ours that has another shape."""
    for name in sorted(NAMES & options.keys()):
        reason = _reason(name, options[name])
        if reason is not None:
            raise Invalid(f"options.{name}", reason)
    return {name: value for name, value in options.items() if name not in NAMES}


def _value(name: str, given: Any) -> Any:
    return tuple(given) if name in _WORD_LISTS else given


def _reason(name: str, given: Any) -> str | None:
    """Why a value cannot be; None when it can."""
    if name == "calls_per_second":
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return (
            None
            if is_number and (given == 0 or 0.01 <= given <= MAX_RATE)
            else f"must be 0 or a number from 0.01 to {MAX_RATE:g}"
        )
    if name in _WORD_LISTS:
        return (
            None
            if _are_words(given)
            else f"must be a list of at most {MAX_WORDS} words with letters or digits, of {WORD} characters each"
        )
    return None if isinstance(given, bool) else "must be true or false"


def _are_words(given: Any) -> bool:
    if not isinstance(given, list | tuple) or len(given) > MAX_WORDS:
        return False
    return all(isinstance(word, str) and len(word) <= WORD and plain(word) for word in given)
