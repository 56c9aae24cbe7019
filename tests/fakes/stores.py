"""Access tokens of providers, ids of their calls, and rate limits, in memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.aws.rates import share_of
from chalicelib.domain.provider_io import Receipt, Token
from chalicelib.domain.rules.caps import Mark, Marks
from chalicelib.ports import Lookup, Nonce
from chalicelib.providers.tokens import MemoryTokens
from tests.fakes.clock import FakeClock
from tests.fakes.steps import Steps

WRITE_BATCH, PUT_BATCH = 25, 100


class FakeTokens:
    def __init__(self, steps: Steps, clock: FakeClock) -> None:
        self.steps, self._clock = steps, clock
        self._memory = MemoryTokens(self._seconds)

    def read(self, name: str) -> Token | None:
        with self.steps.around("tokens.read", write=False):
            return self._memory.read(name)

    def write(self, name: str, token: Token) -> None:
        with self.steps.around("tokens.write", write=True):
            self._memory.write(name, token)

    def lease(self, name: str, seconds: int) -> bool:
        with self.steps.around("tokens.lease", write=True):
            return self._memory.lease(name, seconds)

    def _seconds(self) -> float:
        return self._clock.now() / 1000

    def give_back(self, name: str, seconds: int) -> None:
        with self.steps.around("tokens.give_back", write=True):
            self._memory.give_back(name, seconds)


class FakeLookups:
    """Lookups in memory.

    `stale`: only fresh reads see anything, as with an eventually consistent replica.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stale = False
        self.found: dict[tuple[str, str], Lookup] = {}
        self.waiting: dict[tuple[str, str], list[Receipt]] = {}
        self.posts: dict[str, Sequence[Receipt]] = {}
        self.nonces: dict[tuple[str, str], str] = {}
        self.expecting: dict[str, int] = {}

    def has(self, channel: str, lookups: Mapping[str, Lookup]) -> None:
        """Set-up of a test: these lookups are stored."""
        self.found |= {(channel, id): lookup for id, lookup in lookups.items()}

    def get(
        self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False
    ) -> Mapping[str, Lookup]:
        with self.steps.around("lookups.get", write=False):
            visible = {} if self.stale and not fresh else self.found
            return {
                i: visible[channel, i]
                for i in dict.fromkeys(provider_ids)
                if (channel, i) in visible
            }

    def find(self, ids: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Lookup]:
        with self.steps.around("lookups.find", write=False):
            visible = {} if self.stale else self.found
            names = [(channel, id) for channel, of_channel in ids.items() for id in of_channel]
            return {name: visible[name] for name in names if name in visible}

    def of_post(self, nonce: Nonce, provider_ids: Sequence[str]) -> Mapping[str, Lookup] | None:
        with self.steps.around("lookups.of_post", write=False):
            if self.nonces.get((nonce.channel, nonce.name), nonce.digest) != nonce.digest:
                return None
            names = ((id, (nonce.channel, id)) for id in dict.fromkeys(provider_ids))
            return {id: self.found[name] for id, name in names if name in self.found}

    def park(
        self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int
    ) -> Mapping[str, str]:
        for provider_id, parked in receipts.items():
            with self.steps.around("lookups.park", write=True):
                self.waiting.setdefault((channel, provider_id), []).extend(parked)
                self.posts[str(hash(tuple(parked)))] = parked
        return {id: str(hash(tuple(parked))) for id, parked in receipts.items()}

    def parked_by(self, channel: str, posts: Mapping[str, str]) -> Sequence[Receipt]:
        with self.steps.around("lookups.parked_by", write=False):
            held = [post for id, post in posts.items() if (channel, id) in self.waiting]
            return [receipt for post in held for receipt in self.posts.get(post, ())]

    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        with self.steps.around("lookups.parked", write=False):
            return [
                r for i in dict.fromkeys(provider_ids) for r in self.waiting.get((channel, i), ())
            ]

    def parked_of(self, ids: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[Receipt]]:
        with self.steps.around("lookups.parked", write=False):
            parked = {
                channel: [
                    r for i in dict.fromkeys(of_channel) for r in self.waiting.get((channel, i), ())
                ]
                for channel, of_channel in ids.items()
            }
            return {channel: receipts for channel, receipts in parked.items() if receipts}

    def use_nonce(self, nonce: Nonce) -> bool:
        with self.steps.around("lookups.use_nonce", write=True):
            name = (nonce.channel, nonce.name)
            return self.nonces.setdefault(name, nonce.digest) == nonce.digest

    def expect(self, channel: str, time: int, expires: int) -> None:
        if time < self.expecting.get(channel, 0) + 30_000:
            return
        with self.steps.around("lookups.expect", write=True):
            self.expecting[channel] = time

    def expected(self, channels: Sequence[str]) -> Mapping[str, int]:
        with self.steps.around("lookups.expected", write=False):
            return {
                channel: self.expecting[channel]
                for channel in channels
                if channel in self.expecting
            }


class FakeMarkStore:
    """Marks in memory, put one hundred at a time."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, Marks] = {}
        self._read: Sequence[str] = ()

    def get(self, names: Sequence[str]) -> Mapping[str, Marks]:
        with self.steps.around("marks.get", write=False):
            self._read = names
            return {name: self.stored[name] for name in names if name in self.stored}

    def put(self, changed: Mapping[str, Marks]) -> frozenset[str]:
        lost: set[str] = set()
        names = list(changed)
        for start in range(0, len(names), PUT_BATCH):
            with self.steps.around("marks.put", write=True):
                lost |= {n for n in names[start : start + PUT_BATCH] if not self._put(n, changed)}
        return frozenset(lost)

    def _put(self, name: str, changed: Mapping[str, Marks]) -> bool:
        version = self.stored[name].version if name in self.stored else ""
        if version != changed[name].version:
            return False
        following = str(int(version or 0) + 1)
        self.stored[name] = replace(changed[name], version=following)
        return True

    def touch(self) -> None:
        """Change the versions of what was read last, as somebody else does who was faster."""
        for name in self._read:
            marks = self.stored.get(name, Marks())
            self.stored[name] = replace(marks, version=str(int(marks.version or 0) + 1))

    def of(self, name: str) -> Sequence[Mark]:
        return self.stored[name].marks if name in self.stored else ()


class FakeRateLimiter:
    def __init__(self, steps: Steps, clock: FakeClock) -> None:
        self.steps, self.clock = steps, clock
        self.lines: dict[tuple[str, bool], int] = {}
        self.is_cold = False  # a container that has reserved nothing yet
        self.reserved = Counter[str]()  # calls or deliveries of a channel

    def knows(self, channel: str) -> bool:
        return not self.is_cold

    def reserve(self, channel: str, calls: int, rate: float, *, urgent: bool) -> int:
        with self.steps.around("rate_limiter.reserve", write=True):
            now = self.clock.now()
            others_wait = self.lines.get((channel, False), 0) > now
            begin = max(now, self.lines.get((channel, urgent), 0))
            self.reserved[channel] += calls
            self.lines[channel, urgent] = begin + math.ceil(
                calls * 1000 / share_of(rate, urgent=urgent, others_wait=others_wait)
            )
            return begin
