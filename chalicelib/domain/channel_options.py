"""Options that every delivery channel has. A channel's other options belong to its provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any

from chalicelib.domain import reply_words
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.errors import Invalid
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.values import frozen

MAX_RATE = 10_000.0
MAX_WORDS = 50  # of a list
WORD = 20  # characters of a word
MAX_DOMAINS = 20  # with a rate of their own


@frozen
class Options:
    calls_per_second: float | None = None  # None: the provider's rate, 0: as fast as can be
    domain_rates: Mapping[str, float] = field(default_factory=dict)  # domain -> mails a second
    send_to_gone: bool = False  # also to contacts that were reported as dead
    # clicks on links, None: unless it costs many calls, see flow/content/render.py
    track_links: bool | None = None
    track_opens: bool = False  # of mails, by a picture
    unsubscribe: bool | None = None  # one click in mails, None: in all but those of priority 1
    # mails that come back for now, in 30 days, after which a contact is undeliverable, 0: never
    soft_bounces: int = 5
    unsubscribe_words: tuple[str, ...] = reply_words.UNSUBSCRIBE
    subscribe_words: tuple[str, ...] = reply_words.SUBSCRIBE

    def offers_way_out(self, priority: Priority) -> bool:
        """Tell if a mail has a link to unsubscribe: the operator decides, else its priority.

        The reader of a mail of priority 1 has asked for it: a code, an order.
        """
        return priority is not Priority.HIGH if self.unsubscribe is None else self.unsubscribe

    def heeds_opt_outs(self, priority: Priority) -> bool:
        """Tell if an opt-out holds for a mail.

        It always does on a channel whose mails all have a link to unsubscribe.
        """
        return priority is not Priority.HIGH or self.unsubscribe is True

    def wants_out(self, text: str) -> bool | None:
        """Tell an opt-out (True) from an opt-in (False) in a reply. None: the text is neither."""
        if reply_words.asks(text, self.unsubscribe_words):
            return True
        return False if reply_words.asks(text, self.subscribe_words) else None


NAMES = frozenset(field.name for field in fields(Options))
_DOMAIN = r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
_WORD_LISTS = ("unsubscribe_words", "subscribe_words")


def of(options: Mapping[str, Any]) -> Options:
    """Read a channel's options. A value of a wrong type counts as missing."""
    valid = {
        name: _value(name, value)
        for name, value in options.items()
        if name in NAMES and _reason(name, value) is None
    }
    return Options(**valid)


def rate_of(channel: Channel) -> float | None:
    """Return the rate of a channel's own, or None. The field goes before the option."""
    if channel.calls_per_second is not None:
        return channel.calls_per_second
    return of(channel.options).calls_per_second


def check(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options that are the provider's to check. Raise Invalid for a wrong value."""
    for name in sorted(NAMES & options.keys()):
        reason = _reason(name, options[name])
        if reason is not None:
            raise Invalid(f"options.{name}", reason)
    return {name: value for name, value in options.items() if name not in NAMES}


def _value(name: str, value: Any) -> Any:
    return tuple(value) if name in _WORD_LISTS else value


def _reason(name: str, value: Any) -> Sentence | None:
    """Return the reason against a value, or None if the value is valid."""
    if name == "calls_per_second":
        reason = Sentence("must be 0 or a number from 0.01 to {most}", most=f"{MAX_RATE:g}")
        return None if _is_rate(value) else reason
    if name == "domain_rates":
        reason = Sentence(
            "must name at most {most} domains in small letters, with rates from 0.01 to {highest}",
            most=MAX_DOMAINS,
            highest=f"{MAX_RATE:g}",
        )
        return None if _are_domain_rates(value) else reason
    if name == "soft_bounces":
        is_number = isinstance(value, int) and not isinstance(value, bool)
        reason = Sentence("must be a number from {least} to {most}", least=0, most=100)
        return None if is_number and 0 <= value <= 100 else reason
    if name in _WORD_LISTS:
        reason = Sentence(
            "must be a list of at most {most} words with letters or digits, of {length} characters"
            " each",
            most=MAX_WORDS,
            length=WORD,
        )
        return None if _are_words(value) else reason
    return None if isinstance(value, bool) else Sentence("must be true or false")


def _is_rate(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (value == 0 or 0.01 <= value <= MAX_RATE)


def _are_domain_rates(value: Any) -> bool:
    if not isinstance(value, Mapping) or len(value) > MAX_DOMAINS:
        return False
    return all(
        isinstance(domain, str) and re.fullmatch(_DOMAIN, domain) and rate and _is_rate(rate)
        for domain, rate in value.items()
    )


def _are_words(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) > MAX_WORDS:
        return False
    return all(
        isinstance(word, str) and len(word) <= WORD and reply_words.plain(word) for word in value
    )
