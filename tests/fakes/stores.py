"""In-memory stores with DynamoDB's manners: conditional puts, versions, copies instead of aliases, batches that end half-way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.aws.pace import share_of
from chalicelib.domain import audiences, keys
from chalicelib.domain.channels import ChannelType
from chalicelib.domain.errors import Conflict
from chalicelib.domain.facts import Bundle, Fact, FactKind, decode, encode
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Message, Summary
from chalicelib.domain.pages import CallAnswer, Page, Wait
from chalicelib.domain.plans import Call, CallKey, GoList, PageId, Plan
from chalicelib.domain.sending import Receipt, Token
from chalicelib.domain.users import User
from chalicelib.flow.ports import Lookup, Once
from chalicelib.providers.tokens import MemoryTokens
from tests.fakes.clock import FakeClock, FakeTimers
from tests.fakes.steps import Steps

WRITE_BATCH = 25


def in_batches(items: Iterable[Any], size: int = WRITE_BATCH) -> list[list[Any]]:
    every = list(items)
    return [every[start : start + size] for start in range(0, len(every), size)]


class FakeUsers:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, User] = {}

    def get(self, userids: Sequence[str]) -> Mapping[str, User]:
        with self.steps.around("users.get", write=False):
            return {u: deepcopy(self.stored[u]) for u in dict.fromkeys(userids) if u in self.stored}

    def save(self, users: Sequence[User], before: Mapping[str, User] | None = None) -> frozenset[str]:
        lost = set()
        for batch in in_batches(users, 100):
            with self.steps.around("users.save", write=True):
                for user in batch:
                    stored = self.stored.get(user.userid)
                    if user.version != (stored.version if stored else 0):
                        lost.add(user.userid)
                    else:
                        self.stored[user.userid] = replace(deepcopy(user), version=user.version + 1)
        return frozenset(lost)

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        with self.steps.around("users.delete", write=True):
            lost = {u.userid for u in users if u.userid not in self.stored or self.stored[u.userid].version != u.version}
            for user in users:
                if user.userid not in lost:
                    self.stored.pop(user.userid, None)
            return frozenset(lost)

    def walk(self, buckets: range, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        with self.steps.around("users.walk", write=False):
            known = [(keys.position(u), user) for u, user in self.stored.items() if keys.bucket(u) in buckets and u.startswith(prefix)]
            ordered = sorted(known, key=lambda each: each[0])
            return deepcopy([user for position, user in ordered if position > after][:limit])

    def estimate(self) -> int:
        return len(self.stored)

    def has(self, *users: User) -> None:
        """Set-up of a test: these users are stored."""
        for user in users:
            self.stored[user.userid] = replace(deepcopy(user), version=max(1, user.version))


class FakeAudiences:
    """Tags and contacts are read off the users themselves."""

    def __init__(self, steps: Steps, users: FakeUsers) -> None:
        self.steps, self.users = steps, users
        self.members: dict[str, set[str]] = {}
        self.said: dict[tuple[ChannelType, str], dict[str, int]] = {}

    def walk(self, sets: Sequence[str], buckets: range, after: str, limit: int) -> Sequence[str]:
        with self.steps.around("audiences.walk", write=False):
            found = {userid for name in sets for userid in self._of(name) if keys.bucket(userid) in buckets}
            return sorted((u for u in found if keys.position(u) > after), key=keys.position)[:limit]

    def _of(self, name: str) -> set[str]:
        tagged = {u for u, user in self.users.stored.items() if name in {audiences.tag(*tag) for tag in user.all_tags}}
        return tagged | self.members.get(name, set())

    def holds(self, name: str, userids: Sequence[str]) -> frozenset[str]:
        with self.steps.around("audiences.holds", write=False):
            return frozenset(self._of(name) & set(userids))

    def change(self, name: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        with self.steps.around("audiences.change", write=True):
            self.members[name] = self.members.get(name, set()) - set(remove) | set(add)

    def estimate(self, sets: Sequence[str]) -> int:
        return sum(len(self._of(name)) for name in sets)

    def tags(self, scope: str, after: str, limit: int) -> Sequence[str]:
        with self.steps.around("audiences.tags", write=False):
            found = {tag for user in self.users.stored.values() for bind, tag in user.all_tags if bind == scope}
            return sorted(tag for tag in found if tag > after)[:limit]

    def users_of(self, kind: ChannelType, contact: str) -> Sequence[str]:
        with self.steps.around("audiences.users_of", write=False):
            return sorted(u for u, user in self.users.stored.items() if (kind, contact) in user.all_contacts)

    def opt(self, kind: ChannelType, contact: str, channel_keys: Sequence[str], time: int, out: bool) -> None:
        for channel_key in channel_keys:
            with self.steps.around("audiences.opt", write=True):
                said = self.said.setdefault((kind, contact), {})
                if abs(said.get(channel_key, 0)) <= time:
                    said[channel_key] = time if out else -time

    def opted(self, kind: ChannelType, contacts: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        with self.steps.around("audiences.opted", write=False):
            return {each: dict(self.said[kind, each]) for each in dict.fromkeys(contacts) if (kind, each) in self.said}


@dataclass(frozen=True)
class _Item:
    value: Any
    expires: int


class FakeLedger:
    """One dict per page. `inserted` is the stream: pages whose counts an insert changes, in order, as tally's event filter lets pass."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.partitions: dict[PageId, dict[str, _Item]] = {}
        self.inserted: list[PageId] = []

    def put_plan(self, plan: Plan, message: Message) -> Plan:
        with self.steps.around("ledger.put_plan", write=True):
            stored: Plan = self._first(plan.id, "plan", plan, message)
            return stored

    def plan(self, page: PageId) -> Plan | None:
        with self.steps.around("ledger.plan", write=False):
            stored: Plan | None = self._get(page, "plan")
            return stored

    def withdraw(self, page: PageId, time: int, message: Message) -> None:
        with self.steps.around("ledger.withdraw", write=True):
            self._first(page, "withdrawn", time, message)

    def freeze(self, page: PageId, go: GoList, message: Message) -> GoList:
        with self.steps.around("ledger.freeze", write=True):
            stored: GoList = self._first(page, f"go#{keys.join(go.step, go.number)}", go, message)
            return stored

    def page(self, page: PageId) -> Page | None:
        with self.steps.around("ledger.page", write=False):
            items = {sk: deepcopy(item.value) for sk, item in sorted(self.partitions.get(page, {}).items())}
        if "plan" not in items:
            return None
        reported = [fact for sk, facts in items.items() if sk.startswith("facts#") for fact in facts]
        calls = {call.key: call for call in items.values() if isinstance(call, Call)}
        answers = {answer.key: answer for answer in items.values() if isinstance(answer, CallAnswer)}
        go = sorted((g for g in items.values() if isinstance(g, GoList)), key=lambda g: (g.step, g.number))
        waits = tuple(wait for wait in items.values() if isinstance(wait, Wait))
        return Page(items["plan"], tuple(go), calls, answers, tuple(reported), items.get("withdrawn"), waits)

    def claim(self, page: PageId, call: Call, expected: Call | None, message: Message) -> Call | None:
        with self.steps.around("ledger.claim", write=True):
            sk = f"call#{call.key.text}"
            stored: Call | None = self._get(page, sk)
            if stored is not None and (expected is None or (stored.state, stored.lease) != (expected.state, expected.lease)):
                return stored
            self._put(page, sk, call, message)
            return None

    def put_answer(self, page: PageId, answer: CallAnswer, message: Message) -> CallAnswer:
        with self.steps.around("ledger.put_answer", write=True):
            ordered = replace(answer, facts=decode(encode(answer.facts)))
            stored: CallAnswer = self._first(page, f"answer#{answer.key.text}", ordered, message)
            return answer if stored == ordered else stored

    def put_wait(self, page: PageId, wait: Wait, message: Message) -> None:
        with self.steps.around("ledger.put_wait", write=True):
            self._put(page, f"wait#{wait.key.text}", wait, message)

    def add(self, page: PageId, facts: Sequence[Fact], message: Message) -> None:
        if not facts:
            return
        with self.steps.around("ledger.add", write=True):
            digest = Bundle(tuple(facts)).digest
            self._put(page, f"facts#{digest}", decode(encode(facts)), message, tally=True)

    def add_all(self, bundles: Sequence[tuple[PageId, Sequence[Fact], Message]]) -> None:
        for page, facts, message in bundles:
            self.add(page, facts, message)

    def add_click(self, page: PageId, fact: Fact, message: Message) -> bool:
        with self.steps.around("ledger.add_click", write=True):
            name = "click" if fact.kind is FactKind.CLICKED else fact.kind.value
            sk = f"facts#{keys.join(name, fact.place.target, fact.place.channel, fact.place.contact)}"
            is_first = self._get(page, sk) is None
            if is_first:
                self._put(page, sk, (fact,), message, tally=True)
            return is_first

    def _get(self, page: PageId, sk: str) -> Any:
        item = self.partitions.get(page, {}).get(sk)
        return deepcopy(item.value) if item else None

    def _first(self, page: PageId, sk: str, value: Any, message: Message) -> Any:
        stored = self._get(page, sk)
        if stored is not None:
            return stored
        self._put(page, sk, value, message, tally=True)
        return value

    def _put(self, page: PageId, sk: str, value: Any, message: Message, *, tally: bool = False) -> None:
        partition = self.partitions.setdefault(page, {})
        if tally and not message.inline and sk not in partition:
            self.inserted.append(page)
        partition[sk] = _Item(deepcopy(value), message.expires)

    def keys_of(self, page: PageId) -> tuple[str, ...]:
        return tuple(sorted(self.partitions.get(page, {})))

    def calls(self, page: PageId) -> dict[CallKey, Call]:
        """Look without a step."""
        return {i.value.key: i.value for i in self.partitions.get(page, {}).values() if isinstance(i.value, Call)}


class FakeMessages:
    def __init__(self, steps: Steps, ledger: FakeLedger, timers: FakeTimers) -> None:
        self.steps, self.ledger, self.timers = steps, ledger, timers
        self.stored: dict[str, Message] = {}
        self.keys: dict[str, Once] = {}
        self._withdrawn: dict[str, int] = {}
        self._links: dict[str, dict[str, str]] = {}
        self._counts: dict[PageId, Counts] = {}
        self._contacts: dict[str, tuple[str, ...]] = {}

    def create(
        self, message: Message, plan: Plan | None, timer: Timer, contacts: Sequence[str] = (), once: Once | None = None
    ) -> Once | None:
        with self.steps.around("messages.create", write=True):
            if once is not None and once.name in self.keys:
                return self.keys[once.name]
            if message.msgid in self.stored:
                raise Conflict("a message with this id exists")
            self.has(message)
            self._contacts[message.msgid] = tuple(contacts) if plan is None else ()
            if plan is not None:
                self.ledger._first(plan.id, "plan", plan, message)
            self.timers.put_row(timer)
            if once is not None:
                self.keys[once.name] = replace(once, msgid=message.msgid)
            return None

    def withdraw(self, message: Message, time: int, timer: Timer) -> bool:
        with self.steps.around("messages.withdraw", write=True):
            if message.msgid in self._withdrawn:
                return False
            self._withdrawn[message.msgid] = time
            self.timers.put_row(timer)
            return True

    def withdrawn(self, msgid: str) -> int | None:
        with self.steps.around("messages.withdrawn", write=False):
            return self._withdrawn.get(msgid)

    def once(self, name: str) -> Once | None:
        with self.steps.around("messages.once", write=False):
            return self.keys.get(name)

    def has(self, message: Message) -> None:
        """Set-up of a test: this message is stored, without plan and timer."""
        self.stored[message.msgid] = deepcopy(message)
        if message.links:
            self._links[message.msgid] = dict(message.links)

    def get(self, msgid: str) -> Message | None:
        with self.steps.around("messages.get", write=False):
            return deepcopy(self.stored.get(msgid))

    def contacts(self, msgid: str) -> Sequence[str]:
        with self.steps.around("messages.contacts", write=False):
            return self._contacts.get(msgid, ())

    def newest(self, channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
        with self.steps.around("messages.newest", write=False):
            known = (m for m in self.stored.values() if m.channel_key == channel_key and m.msgid < before and m.accepted >= since)
            return [m.summary for m in sorted(known, key=lambda m: m.msgid, reverse=True)][:limit]

    def links(self, msgid: str) -> Mapping[str, str] | None:
        with self.steps.around("messages.links", write=False):
            return deepcopy(self._links.get(msgid))

    def put_counts(self, page: PageId, counts: Counts, expires: int) -> None:
        with self.steps.around("messages.put_counts", write=True):
            stored = self._counts.get(page)
            if stored is None or stored.seen <= counts.seen:
                self._counts[page] = deepcopy(counts)

    def counts(self, msgid: str) -> Mapping[int, Counts]:
        with self.steps.around("messages.counts", write=False):
            return {page.page: deepcopy(c) for page, c in sorted(self._counts.items()) if page.msgid == msgid}

    def expire(self, msgid: str) -> None:
        """What the TTL does: the history goes, the links stay."""
        self.stored.pop(msgid, None)
        for page in [p for p in self.ledger.partitions if p.msgid == msgid]:
            del self.ledger.partitions[page]


class FakeTokens:
    def __init__(self, steps: Steps, clock: FakeClock) -> None:
        self.steps, self._memory = steps, MemoryTokens(lambda: clock.now() / 1000)

    def read(self, name: str) -> Token | None:
        with self.steps.around("tokens.read", write=False):
            return self._memory.read(name)

    def write(self, name: str, token: Token) -> None:
        with self.steps.around("tokens.write", write=True):
            self._memory.write(name, token)

    def lease(self, name: str, seconds: int) -> bool:
        with self.steps.around("tokens.lease", write=True):
            return self._memory.lease(name, seconds)

    def give_back(self, name: str, seconds: int) -> None:
        with self.steps.around("tokens.give_back", write=True):
            self._memory.give_back(name, seconds)


class FakeLookups:
    """`stale`: readings that do not ask for a fresh answer see nothing yet, as an eventually consistent replica might."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stale = False
        self.found: dict[tuple[str, str], Lookup] = {}
        self.waiting: dict[tuple[str, str], list[Receipt]] = {}
        self.nonces: dict[tuple[str, str], str] = {}
        self.expecting: dict[str, int] = {}

    def put(self, channel: str, found: Mapping[str, Lookup], expires: int) -> None:
        for batch in in_batches(found.items()):
            with self.steps.around("lookups.put", write=True):
                self.found.update({(channel, i): lookup for i, lookup in batch})

    def get(self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Lookup]:
        with self.steps.around("lookups.get", write=False):
            visible = {} if self.stale and not fresh else self.found
            return {i: visible[channel, i] for i in dict.fromkeys(provider_ids) if (channel, i) in visible}

    def park(self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int) -> None:
        for provider_id, mine in receipts.items():
            with self.steps.around("lookups.park", write=True):
                self.waiting.setdefault((channel, provider_id), []).extend(mine)

    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        with self.steps.around("lookups.parked", write=False):
            return [r for i in dict.fromkeys(provider_ids) for r in self.waiting.get((channel, i), ())]

    def use_nonce(self, channel: str, nonce: str, digest: str, expires: int) -> bool:
        with self.steps.around("lookups.use_nonce", write=True):
            return self.nonces.setdefault((channel, nonce), digest) == digest

    def expect(self, channel: str, time: int, expires: int) -> None:
        if time < self.expecting.get(channel, 0) + 30_000:
            return
        with self.steps.around("lookups.expect", write=True):
            self.expecting[channel] = time

    def expected(self, channels: Sequence[str]) -> Mapping[str, int]:
        with self.steps.around("lookups.expected", write=False):
            return {channel: self.expecting[channel] for channel in channels if channel in self.expecting}


class FakePace:
    def __init__(self, steps: Steps, clock: FakeClock) -> None:
        self.steps, self.clock = steps, clock
        self.lines: dict[tuple[str, bool], int] = {}

    def reserve(self, channel: str, calls: int, rate: float, *, urgent: bool) -> int:
        with self.steps.around("pace.reserve", write=True):
            now = self.clock.now()
            others_wait = self.lines.get((channel, False), 0) > now
            begin = max(now, self.lines.get((channel, urgent), 0))
            self.lines[channel, urgent] = begin + math.ceil(calls * 1000 / share_of(rate, urgent=urgent, others_wait=others_wait))
            return begin
