"""The ledger in memory. The first put of an item stands, and every read returns a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.callbacks import OF_FACTS, Events, News
from chalicelib.domain.chunks import CallAnswer, Chunk, Deferral
from chalicelib.domain.facts import Bundle, Fact, FactKind, decode, encode
from chalicelib.domain.messages import Message, Retention
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import Call, CallKey, ChunkId, Entrants, Plan
from tests.fakes.copies import kept, opened
from tests.fakes.steps import Steps


@dataclass(frozen=True)
class _Item:
    stored: bytes
    expires: int

    @property
    def value(self) -> Any:
        return opened(self.stored)


class Begun(NamedTuple):
    """A plan with the record of its first call."""

    plan: Plan
    call: Call


def _plan_of(stored: Plan | Begun | None) -> Plan | None:
    return stored.plan if isinstance(stored, Begun) else stored


def _news(chunk: ChunkId, sk: str, value: Any, retention: Retention) -> list[News]:
    """Return the callbacks that an item has, as its image in the stream tells them."""
    kind = sk.split("#", 1)[0]
    if kind == "plan":
        events = Events(chunk, (), (0, len((_plan_of(value) or value).targets)))
    elif kind in ("answer", "facts"):
        facts = value.facts if kind == "answer" else value
        events = Events(chunk, tuple(fact for fact in facts if fact.kind in OF_FACTS))
    else:
        return []
    time = keys.message_time(chunk.msgid)
    return [News(retention.callbacks, time, events)] if events.size else []


class FakeLedger:
    """A ledger with one dict per chunk.

    `inserted` is the stream that tally's event filter lets pass. It names in order the chunks
    whose counts an insert changes. `news` is what the stream tells of messages with callbacks.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.partitions: dict[ChunkId, dict[str, _Item]] = {}
        self.inserted: list[ChunkId] = []
        self.news: list[News] = []
        self.noted: list[Note] = []  # what the stream says of small messages

    def put_plan(self, plan: Plan, message: Message) -> Plan:
        with self.steps.around("ledger.put_plan", write=True):
            stored = _plan_of(self._first(plan.id, "plan", plan, message))
            return stored or plan

    def begin(self, plan: Plan, call: Call, message: Message) -> bool:
        with self.steps.around("ledger.begin", write=True):
            begun = Begun(plan, call)
            stored = self._first(plan.id, "plan", begun, message)
            return stored is begun

    def plan(self, chunk: ChunkId, message: Message | None = None) -> Plan | None:
        with self.steps.around("ledger.plan", write=False):
            return _plan_of(self._get(chunk, "plan"))

    def plans(self, messages: Mapping[ChunkId, Message]) -> Mapping[ChunkId, Plan]:
        with self.steps.around("ledger.plans", write=False):
            stored = {chunk: _plan_of(self._get(chunk, "plan")) for chunk in messages}
            return {chunk: plan for chunk, plan in stored.items() if plan is not None}

    def withdraw(self, chunk: ChunkId, time: int, message: Message) -> None:
        with self.steps.around("ledger.withdraw", write=True):
            self._first(chunk, "withdrawn", time, message)

    def freeze(self, chunk: ChunkId, entrants: Entrants, message: Message) -> Entrants:
        with self.steps.around("ledger.freeze", write=True):
            stored: Entrants = self._first(
                chunk, f"go#{keys.join(entrants.step, entrants.number)}", entrants, message
            )
            return stored

    def chunk(self, chunk: ChunkId, message: Message | None = None) -> Chunk | None:
        with self.steps.around("ledger.chunk", write=False):
            items = {sk: item.value for sk, item in sorted(self.partitions.get(chunk, {}).items())}
        if "plan" not in items:
            return None
        reported = [
            fact for sk, facts in items.items() if sk.startswith("facts#") for fact in facts
        ]
        begun = items["plan"] if isinstance(items["plan"], Begun) else None
        calls = {begun.call.key: begun.call} if begun else {}
        calls |= {call.key: call for call in items.values() if isinstance(call, Call)}
        answers = {
            answer.key: answer for answer in items.values() if isinstance(answer, CallAnswer)
        }
        frozen = [item for item in items.values() if isinstance(item, Entrants)]
        entrants = sorted(frozen, key=lambda entrants: (entrants.step, entrants.number))
        deferrals = tuple(deferral for deferral in items.values() if isinstance(deferral, Deferral))
        return Chunk(
            _plan_of(items["plan"]) or items["plan"],
            tuple(entrants),
            calls,
            answers,
            tuple(reported),
            items.get("withdrawn"),
            deferrals,
            first_call=begun.call.key if begun else None,
        )

    def claim(
        self, chunk: ChunkId, call: Call, expected: Call | None, message: Message
    ) -> Call | None:
        with self.steps.around("ledger.claim", write=True):
            sk = f"call#{call.key.text}"
            stored: Call | None = self._get(chunk, sk)
            if stored is not None and (
                expected is None or (stored.state, stored.lease) != (expected.state, expected.lease)
            ):
                return stored
            self._put(chunk, sk, call, message.retention)
            return None

    def put_answer(self, chunk: ChunkId, answer: CallAnswer, message: Message) -> CallAnswer:
        with self.steps.around("ledger.put_answer", write=True):
            ordered = replace(answer, facts=decode(encode(answer.facts)))
            stored: CallAnswer = self._first(chunk, f"answer#{answer.key.text}", ordered, message)
            return answer if stored == ordered else stored

    def put_deferral(self, chunk: ChunkId, deferral: Deferral, message: Message) -> None:
        with self.steps.around("ledger.put_deferral", write=True):
            self._put(chunk, f"wait#{deferral.key.text}", deferral, message.retention)

    def add(self, chunk: ChunkId, facts: Sequence[Fact], message: Message) -> None:
        self.add_all([(chunk, facts, message.retention)])

    def add_all(self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Retention]]) -> None:
        for chunk, facts, retention in bundles:
            if not facts:
                continue
            with self.steps.around("ledger.add", write=True):
                self.put_facts(chunk, facts, retention)

    def put_facts(self, chunk: ChunkId, facts: Sequence[Fact], retention: Retention) -> None:
        digest = Bundle(tuple(facts)).digest
        self._put(chunk, f"facts#{digest}", decode(encode(facts)), retention, tally=True)

    def add_click(self, chunk: ChunkId, fact: Fact, message: Message) -> bool:
        with self.steps.around("ledger.add_click", write=True):
            name = "click" if fact.kind is FactKind.CLICKED else fact.kind.value
            sk = f"facts#{keys.join(name, fact.ref.target, fact.ref.channel, fact.ref.contact)}"
            is_first = self._get(chunk, sk) is None
            if is_first:
                self._put(chunk, sk, (fact,), message.retention, tally=True)
            return is_first

    def _get(self, chunk: ChunkId, sk: str) -> Any:
        item = self.partitions.get(chunk, {}).get(sk)
        return item.value if item else None

    def _first(self, chunk: ChunkId, sk: str, value: Any, message: Message) -> Any:
        stored = self._get(chunk, sk)
        if stored is not None:
            return stored
        self._put(chunk, sk, value, message.retention, tally=True)
        return value

    def _put(
        self, chunk: ChunkId, sk: str, value: Any, retention: Retention, *, tally: bool = False
    ) -> None:
        partition = self.partitions.setdefault(chunk, {})
        if tally and sk not in partition:
            if retention.counted:
                self.inserted.append(chunk)
            elif (note := note_of(chunk, value)) is not None:
                self.noted.append(note._replace(start=retention.start))
        if retention.callbacks and sk not in partition:
            self.news += _news(chunk, sk, value, retention)
        partition[sk] = _Item(kept(value), retention.expires)

    def note(self, chunk: ChunkId, sk: str) -> Note | None:
        return note_of(chunk, self._get(chunk, sk))

    def keys_of(self, chunk: ChunkId) -> tuple[str, ...]:
        return tuple(sorted(self.partitions.get(chunk, {})))

    def calls(self, chunk: ChunkId) -> dict[CallKey, Call]:
        """Return the calls of a chunk without a step."""
        return {
            i.value.key: i.value
            for i in self.partitions.get(chunk, {}).values()
            if isinstance(i.value, Call)
        }


def note_of(chunk: ChunkId, value: Any) -> Note | None:
    """Return the note of an item, or None for one that changes no figure."""
    if isinstance(value, CallAnswer):
        value = value.facts
    if isinstance(value, Begun):
        value = value.plan
    if isinstance(value, Plan | Entrants):
        return Note(chunk, value)
    if isinstance(value, tuple):
        return Note(chunk, tuple(fact._replace(provider_id="") for fact in value))
    return None
