"""A nonce goes with one body only, wherever the worker of its post ends."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Unverified
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply, WebhookRequest
from chalicelib.flow import webhooks
from chalicelib.ports import Lookup
from tests.builders import WEBHOOK_TOKEN, a_channel, a_message, a_plan
from tests.fakes.clock import START
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld

AT = ChunkId(a_message().msgid, 0)
LATER = 2_000_000_000


def a_world() -> FakeWorld:
    fake, message = FakeWorld(), a_message()
    fake.recordings.torn = True
    fake.messages.create(message, a_plan(message), None)
    fake.settings.put_channel(a_channel("push"))
    direct = Lookup(AT, (0, 0), retention=Retention(LATER, counted=False))
    fake.lookups.has("push", {"direct": direct, "by contact": Lookup(AT)})
    fake.forget_steps()
    return fake


def a_post(fake: FakeWorld, *ids: str, text: str = "", **changes: Any) -> WebhookRequest:
    fields = {"kind": ReceiptKind.DELIVERED, "time": START, "contact": "reg1", **changes}
    replies = [Reply("reg1", text, START)] if text else []
    reports = [Receipt(id, **fields) for id in ids]
    return fake.providers.push.webhook_request(reports, nonce="n", now=START, replies=replies)


def take(fake: FakeWorld, request: WebhookRequest) -> None:
    webhooks.take_webhook(fake.ports, "push", WEBHOOK_TOKEN, request)


def facts(fake: FakeWorld) -> tuple[Fact, ...]:
    chunk = fake.ledger.chunk(AT)
    assert chunk is not None
    return chunk.reported


def steps(fake: FakeWorld) -> list[str]:
    """Return the requests. Those for settings are cached."""
    named = (step for step in fake.log if not step.endswith((".done", ".torn")))
    return [step for step in named if not step.startswith("records.")]


def test_the_nonce_of_receipts_costs_no_request() -> None:
    fake = a_world()
    take(fake, a_post(fake, "direct"))
    assert steps(fake) == ["lookups.of_post", "recordings.add"]


@pytest.mark.parametrize(
    ("ids", "text"),
    [(("direct",), ""), (("by contact",), ""), (("unknown",), ""), (("direct",), "T"), ((), "T")],
)
def test_a_used_nonce_refuses_another_body_before_anything_of_it_counts(
    ids: tuple[str, ...], text: str
) -> None:
    fake = a_world()
    request = a_post(fake, *ids, text=text)
    take(fake, request)
    reported, parked = facts(fake), dict(fake.lookups.waiting)
    with pytest.raises(Unverified):
        take(fake, a_post(fake, *ids, "direct", "unknown", text=text, code="forged"))
    assert (facts(fake), fake.lookups.waiting) == (reported, parked)
    take(fake, request)
    assert facts(fake) == reported


def test_what_is_not_a_receipt_waits_for_its_nonce() -> None:
    fake = a_world()
    take(fake, a_post(fake, "direct", text="T"))
    assert steps(fake)[:3] == ["lookups.use_nonce", "lookups.get", "ledger.add"]


def test_of_two_bodies_at_once_the_second_is_refused_where_nothing_was_added() -> None:
    """The receipts of neither have a submission. Both read before one writes."""
    fake = a_world()
    fake.meanwhile("lookups.park", lambda: take(fake, a_post(fake, "unknown")), times=1)
    with pytest.raises(Unverified):
        take(fake, a_post(fake, "unknown", code="forged"))


@pytest.mark.parametrize("ids", [("direct",), ("by contact",), ("unknown",), ("direct", "unknown")])
def test_a_post_whose_worker_ends_anywhere_is_taken_again_and_no_other_with_its_nonce(
    ids: tuple[str, ...],
) -> None:
    whole = a_world()
    take(whole, a_post(whole, *ids))
    for number in whole.kills:
        fake = a_world()
        request = a_post(fake, *ids)
        fake.kill_at(number)
        with pytest.raises(Killed):
            take(fake, request)
        fake.spare()
        take(fake, request)
        assert {fact.kind for fact in facts(fake)} == {fact.kind for fact in facts(whole)}
        assert set(fake.lookups.waiting) == set(whole.lookups.waiting)
        with pytest.raises(Unverified):
            take(fake, a_post(fake, *ids, kind=ReceiptKind.CLICKED))
        assert FactKind.CLICKED not in {fact.kind for fact in facts(fake)}
