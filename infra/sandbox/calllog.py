"""The log of the calls to each provider, the real sends to each contact, and their contents."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Any


class Result(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the provider recognised a token, and answered without a send
    REFUSED = "refused"
    FAILED = "failed"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"  # accepted, but not answered


@dataclass(frozen=True, kw_only=True)
class Call:
    provider: str
    endpoint: str
    outcome: Result
    account: str = ""
    code: str = ""  # the provider's code of a refusal
    token: str = ""  # idempotency token, or the Message-ID of a mail
    provider_id: str = ""  # if the call has a single id
    number: int = 0
    contacts: int = 0
    sent: int = 0
    time: int = field(default_factory=lambda: int(time.time() * 1000))


@dataclass(frozen=True)
class Received:
    """A message that a contact received, on a channel type (`kind`)."""

    time: int
    provider_id: str
    content: Any
    kind: str = ""


@dataclass(frozen=True)
class Arrival:
    """A received message in the order of all of them. The numbers begin with 1."""

    number: int
    provider: str
    contact: str
    message: Received


class CallLog:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._calls: list[Call] = []
        self._by_contact: defaultdict[tuple[str, str], list[tuple[int, bool]]] = defaultdict(list)
        self._sends: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._inbox: defaultdict[tuple[str, str], list[Received]] = defaultdict(list)
        self._arrivals: list[Arrival] = []

    def add(self, call: Call, contacts: Sequence[str] = (), sent: Iterable[str] = ()) -> None:
        """Add a call. It names `contacts`, and really sends to those of them in `sent`."""
        sends = Counter(sent)
        number = len(self._calls)
        self._calls.append(replace(call, number=number, contacts=len(contacts), sent=sends.total()))
        self._sends[call.provider].update(sends)
        for contact in dict.fromkeys(contacts):
            self._by_contact[call.provider, contact].append((number, contact in sends))

    def receive(
        self, provider: str, contact: str, provider_id: str, content: Any, kind: str
    ) -> None:
        message = Received(int(time.time() * 1000), provider_id, content, kind)
        self._inbox[provider, contact].append(message)
        self._arrivals.append(Arrival(len(self._arrivals) + 1, provider, contact, message))

    def sends_to(self, contact: str, provider: str | None = None) -> int:
        return sum(self._sends[name][contact] for name in self._named(provider))

    def sends(self, provider: str | None = None) -> Counter[str]:
        total: Counter[str] = Counter()
        for name in self._named(provider):
            total.update(self._sends[name])
        return total

    def totals(self, provider: str | None = None) -> dict[str, Any]:
        """Return the totals of each provider. `repeated` has the contacts with several sends."""
        outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for call in self._calls:
            outcomes[call.provider][call.outcome] += 1
        totals = {}
        for name in self._named(provider):
            sends = self._sends[name]
            totals[name] = {
                "calls": outcomes[name].total(),
                "outcomes": dict(outcomes[name]),
                "contacts": len(sends),
                "sends": sends.total(),
                "repeated": {contact: times for contact, times in sends.items() if times > 1},
            }
        return totals

    def calls(
        self, provider: str | None, after: int, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return the calls numbered above `after`, and the last number if there are more calls."""
        page: list[dict[str, Any]] = []
        for call in self._calls[after + 1 :]:
            if provider is None or call.provider == provider:
                if len(page) == limit:
                    return page, int(page[-1]["number"])
                page.append(asdict(call))
        return page, None

    def calls_of(self, contact: str, provider: str | None) -> list[dict[str, Any]]:
        """Return the calls that named a contact. `sent_to_contact` marks those that sent to it."""
        entries: list[tuple[int, bool]] = []
        for name in self._named(provider):
            entries += self._by_contact.get((name, contact), ())
        return [
            {**asdict(self._calls[number]), "sent_to_contact": sent}
            for number, sent in sorted(entries)
        ]

    def inbox(self, contact: str, provider: str | None) -> list[tuple[str, Received]]:
        messages: list[tuple[str, Received]] = []
        for name in self._named(provider):
            messages += ((name, message) for message in self._inbox.get((name, contact), ()))
        return sorted(messages, key=lambda pair: pair[1].time)

    def newest(
        self, kinds: Collection[str], contacts: Collection[str], before: int, limit: int
    ) -> list[Arrival]:
        """Return messages numbered below `before` (0: the end), newest first.

        Empty kinds or contacts stand for all of them.
        """
        first = min(before - 1, len(self._arrivals)) if before else len(self._arrivals)
        chosen = (
            arrival
            for arrival in map(self._arrivals.__getitem__, range(first - 1, -1, -1))
            if (not kinds or arrival.message.kind in kinds)
            and (not contacts or arrival.contact in contacts)
        )
        return list(islice(chosen, limit))

    def _named(self, provider: str | None) -> list[str]:
        return [provider] if provider else sorted({call.provider for call in self._calls})
