"""What every provider received: calls, how often each contact was really sent to, and what it got."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.local.sandbox.behaviour import ONCE, Behaviour, behaviour_of

PAGE = 200  # calls of one answer


@dataclass
class Call:
    provider: str
    endpoint: str
    contacts: int
    outcome: str
    token: str = ""
    time: float = field(default_factory=time.time)


@dataclass
class Journal:
    calls: list[Call] = field(default_factory=list)
    sends: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    inbox: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    receipts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _by_contact: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    _once: set[tuple[str, str]] = field(default_factory=set)
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)  # a token's first answer

    def clear(self) -> None:
        for part in (self.calls, self.sends, self.inbox, self.receipts, self._by_contact, self._once, self.answers):
            part.clear()

    def note(self, provider: str, endpoint: str, contacts: Sequence[str], outcome: str, token: str = "") -> None:
        number = len(self.calls)
        self.calls.append(Call(provider, endpoint, len(contacts), outcome, token))
        for contact in contacts:
            self._by_contact[provider, contact].append(number)

    def sent(self, provider: str, contacts: Iterable[str]) -> None:
        self.sends[provider].update(contacts)

    def trouble(self, provider: str, contacts: Iterable[str]) -> Behaviour | None:
        """The first failure of the whole call that one of its contacts asks for; each contact does so once."""
        found = None
        for contact in contacts:
            behaviour = behaviour_of(contact)
            if behaviour in ONCE and (provider, contact) not in self._once:
                self._once.add((provider, contact))
                found = found or behaviour
        return found

    def described(self, provider: str = "", contact: str = "", start: int = 0) -> dict[str, Any]:
        if contact:
            numbers = [n for (p, c), found in self._by_contact.items() if c == contact and (not provider or p == provider) for n in found]
            calls = [self.calls[n] for n in sorted(numbers)]
        else:
            calls = [c for c in self.calls if not provider or c.provider == provider]
        chosen = {p: counts for p, counts in self.sends.items() if not provider or p == provider}
        sends = {contact: sum(counts[contact] for counts in chosen.values())} if contact else {}
        outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        for call in calls:
            outcomes[call.provider][call.outcome] += 1
        return {
            "calls": [asdict(c) for c in calls[start : start + PAGE]],
            "total": len(calls),
            "sends": sends,
            "totals": {p: {"contacts": sum(c.values()), "outcomes": dict(outcomes[p])} for p, c in chosen.items()},
        }
