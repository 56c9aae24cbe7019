"""The ledger in memory: what is put once stands, and what is read is a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.chunks import CallAnswer, Page, Wait
from chalicelib.domain.facts import Bundle, Fact, FactKind, decode, encode
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, CallKey, GoList, PageId, Plan
from tests.fakes.copies import kept, opened
from tests.fakes.steps import Steps


@dataclass(frozen=True)
class _Item:
    stored: bytes
    expires: int

    @property
    def value(self) -> Any:
        return opened(self.stored)


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
            items = {sk: item.value for sk, item in sorted(self.partitions.get(page, {}).items())}
        if "plan" not in items:
            return None
        reported = [
            fact for sk, facts in items.items() if sk.startswith("facts#") for fact in facts
        ]
        calls = {call.key: call for call in items.values() if isinstance(call, Call)}
        answers = {
            answer.key: answer for answer in items.values() if isinstance(answer, CallAnswer)
        }
        go = sorted(
            (g for g in items.values() if isinstance(g, GoList)), key=lambda g: (g.step, g.number)
        )
        waits = tuple(wait for wait in items.values() if isinstance(wait, Wait))
        return Page(
            items["plan"], tuple(go), calls, answers, tuple(reported), items.get("withdrawn"), waits
        )

    def claim(
        self, page: PageId, call: Call, expected: Call | None, message: Message
    ) -> Call | None:
        with self.steps.around("ledger.claim", write=True):
            sk = f"call#{call.key.text}"
            stored: Call | None = self._get(page, sk)
            if stored is not None and (
                expected is None or (stored.state, stored.lease) != (expected.state, expected.lease)
            ):
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
        return item.value if item else None

    def _first(self, page: PageId, sk: str, value: Any, message: Message) -> Any:
        stored = self._get(page, sk)
        if stored is not None:
            return stored
        self._put(page, sk, value, message, tally=True)
        return value

    def _put(
        self, page: PageId, sk: str, value: Any, message: Message, *, tally: bool = False
    ) -> None:
        partition = self.partitions.setdefault(page, {})
        if tally and not message.inline and sk not in partition:
            self.inserted.append(page)
        partition[sk] = _Item(kept(value), message.expires)

    def keys_of(self, page: PageId) -> tuple[str, ...]:
        return tuple(sorted(self.partitions.get(page, {})))

    def calls(self, page: PageId) -> dict[CallKey, Call]:
        """Look without a step."""
        return {
            i.value.key: i.value
            for i in self.partitions.get(page, {}).values()
            if isinstance(i.value, Call)
        }
