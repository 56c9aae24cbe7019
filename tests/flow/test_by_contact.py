"""Receipts that name the call and the contact find the delivery of that call, and no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import pytest

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind, WebhookRequest
from chalicelib.flow import deliver, receipts, webhooks
from chalicelib.ports import World
from chalicelib.providers.sms.chuanglan import Chuanglan
from chalicelib.reports import message as report
from tests.builders import (
    SHOP,
    WEBHOOK_TOKEN,
    a_channel,
    a_message,
    a_plan,
    a_user,
    an_access_channel,
    at_once,
)
from tests.fakes.clock import START
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld
from tests.providers.scripted import ScriptedTransport, http, reply
from tests.providers.sms.chuanglan_calls import CREDENTIALS, A, B

FIRST, SECOND = "17041010383624511", "17041010383624512"
_numbers = count(7_000_000)  # of messages that no other test has: a container remembers them


class Texts:
    """Texts over Chuanglan to some numbers, one user each, with the vendor's ids in turn."""

    def __init__(self, *numbers: str, ids: Sequence[str] = (FIRST, SECOND)) -> None:
        self.fake = fake = FakeWorld()
        fake.settings.put_access_channel(an_access_channel())
        transport = ScriptedTransport(*(reply({"code": "0", "msgId": id}) for id in ids))
        fake.providers._by_platform["chuanglan"] = Chuanglan(http(transport))  # type: ignore[assignment]
        fake.settings.put_channel(
            a_channel(
                "text",
                platform="chuanglan",
                sealed_credentials=fake.credentials.seal_credentials(CREDENTIALS),
                sealed_webhook=fake.credentials.seal_webhook({}),
            )
        )
        users = [a_user(f"u{n}", text=number) for n, number in enumerate(numbers)]
        userids = [user.userid for user in users]
        self.message = self._message(*userids)
        fake.messages.has(self.message)
        fake.ledger.put_plan(a_plan(self.message, users=users), self.message)
        fake.forget_steps()

    def _message(self, *userids: str) -> Message:
        message = a_message(*userids, number=next(_numbers), strategy=at_once("sms"))
        return replace(message, contents={"text": {"content": "【店】发货"}})

    @property
    def ports(self) -> World:
        return self.fake.ports

    @property
    def at(self) -> ChunkId:
        return ChunkId(self.message.msgid, 0)

    def send(self) -> None:
        """Deliver all, also what the answers put off."""
        jobs = [DeliverJob(self.message.msgid, 0, 0, 0, "text", 0, len(self.message.userids))]
        while jobs:
            deliver.deliver(self.ports, jobs.pop())
            sent = [envelope.job for envelope in self.fake.queues.sent]
            jobs += [job for job in sent if isinstance(job, DeliverJob)]
            self.fake.queues.sent.clear()

    def push(self, msgid: str, mobile: str, status: str = "DELIVRD") -> None:
        fields = {"msgid": msgid, "mobile": mobile, "status": status, "notifyTime": "241104172820"}
        request = WebhookRequest("GET", {}, fields, b"", START)
        webhooks.take_webhook(self.ports, "text", WEBHOOK_TOKEN, request)

    def chunk(self) -> Chunk:
        chunk = self.fake.ledger.chunk(self.at)
        assert chunk is not None
        return chunk

    def having(self, kind: FactKind) -> set[int]:
        states = self.chunk().states.items()
        return {ref.target for ref, state in states if state.has(kind)}


@pytest.mark.parametrize("spelling", [A, f"+86{A}", f"86{A}", f"0086{A}", f"+86 138 0000 {A[7:]}"])
@pytest.mark.parametrize("reported", [A, f"86{A}"])
def test_a_number_is_known_in_every_spelling(spelling: str, reported: str) -> None:
    texts = Texts(spelling, B)
    texts.send()
    texts.push(FIRST, reported)
    assert texts.having(FactKind.DELIVERED) == {0}


def test_a_call_is_one_lookup_and_its_id_is_shown_for_each_delivery() -> None:
    texts = Texts(A, B)
    texts.send()
    assert {id for _, id in texts.fake.lookups.found} == {FIRST}
    shown = report.target(texts.ports, SHOP, texts.message.msgid, "u1")
    assert [delivery["provider_id"] for delivery in shown["deliveries"]] == [FIRST]  # type: ignore[attr-defined]


def test_a_number_that_two_users_have_is_told_apart_by_its_calls() -> None:
    """Each of the calls is to two people, so that no lookup names a delivery."""
    texts = Texts(A, B, f"+86{A}", f"86{B}")
    texts.send()
    texts.push(SECOND, A)
    texts.push(SECOND, B, "UNDELIV")
    assert texts.having(FactKind.DELIVERED) == {2}
    assert texts.having(FactKind.DELIVERY_FAILED) == {3}
    texts.push(FIRST, A, "UNDELIV")
    texts.push(FIRST, B)
    assert texts.having(FactKind.DELIVERED) == {2, 1}
    assert texts.having(FactKind.DELIVERY_FAILED) == {3, 0}


def test_the_calls_of_a_number_are_read_once_for_all_receipts_of_a_call() -> None:
    texts = Texts(A, B, A, B)
    texts.send()
    texts.fake.log.clear()
    for _ in range(3):
        texts.push(FIRST, A)
        texts.push(FIRST, B)
    assert texts.fake.log.count("ledger.chunk") == 1


def test_a_container_that_knows_the_chunk_takes_one_write_for_a_receipt() -> None:
    """The lookup is in the memory of the adapter, too."""
    texts = Texts(A, B)
    texts.send()
    texts.push(FIRST, A)
    texts.fake.log.clear()
    texts.push(FIRST, B)
    requests = ("lookups", "recordings", "messages", "ledger")
    steps = [step for step in texts.fake.log if step.startswith(requests)]
    assert steps == ["lookups.get", "lookups.get.done", "ledger.add", "ledger.add.done"]
    assert texts.having(FactKind.DELIVERED) == {0, 1}


def test_a_receipt_before_its_submission_waits_under_the_id_of_its_call() -> None:
    texts = Texts(A, B, A, B)
    early: list[Callable[[], None]] = [lambda: texts.push(FIRST, A), lambda: texts.push(SECOND, B)]
    for push in early:
        push()
    texts.send()
    assert texts.having(FactKind.DELIVERED) == {0, 3}


def test_an_id_that_holds_a_number_of_its_call_by_chance_leads_to_that_number_too() -> None:
    by_chance = f"17{A[-8:]}0001"
    texts = Texts(A, B, ids=(by_chance,))
    texts.send()
    texts.push(by_chance, A)
    texts.push(by_chance, B)
    assert texts.having(FactKind.DELIVERED) == {0, 1}


def test_a_number_that_does_not_exist_is_not_written_to_again() -> None:
    texts = Texts(A, B)
    texts.fake.users.has(a_user("u1", text=B))
    texts.send()
    texts.push(FIRST, B, "CB:0001")
    (user,) = texts.fake.users.get(["u1"]).values()
    assert [list(dead) for dead in user.undeliverable.values()] == [[B]]


def test_a_call_whose_answer_is_not_there_reports_for_all_deliveries_of_its_contact() -> None:
    texts = Texts(A, B, A)
    texts.send()
    lookup = texts.fake.lookups.found["text", FIRST]
    texts.fake.lookups.found["text", "never-recorded"] = lookup
    receipt = Receipt("never-recorded", ReceiptKind.DELIVERED, START, A)
    receipts.record(texts.ports, "text", [receipt])
    assert texts.having(FactKind.DELIVERED) == {0, 2}


def test_wherever_the_worker_of_a_receipt_ends_the_report_that_comes_again_counts_once() -> None:
    whole = Texts(A, B, A, B)
    whole.send()
    whole.fake.forget_steps()
    whole.push(SECOND, A)
    for number in whole.fake.kills:
        texts = Texts(A, B, A, B)
        texts.send()
        texts.fake.forget_steps()
        texts.fake.kill_at(number)
        with pytest.raises(Killed):
            texts.push(SECOND, A)
        texts.fake.spare()
        texts.push(SECOND, A)
        delivered = [fact for fact in texts.chunk().reported if fact.kind is FactKind.DELIVERED]
        assert [fact.ref for fact in delivered] == [DeliveryRef(2, "text", 0)]
