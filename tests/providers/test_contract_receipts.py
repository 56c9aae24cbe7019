"""The contract of every platform for receipts and recalls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ReceiptMode
from chalicelib.domain.errors import Invalid, Rejected, Unverified
from chalicelib.domain.provider_io import (
    Loss,
    ProviderIds,
    Receipt,
    ReceiptKind,
    Webhook,
    WebhookRequest,
    names_of,
    parts_of,
)
from tests.liveness import eventually
from tests.profiles import examples
from tests.providers.contract import ENTRIES, Bench, changed
from tests.providers.contract_cases import (
    CAPABILITIES,
    NAMES,
    POLLED,
    VALUES_OF,
    as_json,
    every,
)
from tests.providers.sandboxes import Sandbox, webhook

WITH_WEBHOOK = [
    platform for platform, can in CAPABILITIES.items() if ReceiptMode.WEBHOOK in can.receipt_modes
]
POSTING = [platform for platform in WITH_WEBHOOK if ENTRIES[platform].posts]


def _names(bench: Bench, answer: Any) -> set[str]:
    """Return every name under which a receipt may name this answer."""
    ids = [answer.provider_id, *(outcome.provider_id for outcome in answer.outcomes)]
    names: set[str] = set()
    for provider_id in filter(None, ids):
        for part in parts_of(provider_id):
            names.update(names_of(part))
    return names


@pytest.mark.parametrize("platform", POSTING)
def test_a_receipt_names_its_delivery_and_reads_the_same_when_it_comes_again(
    box: Sandbox, platform: str
) -> None:
    with webhook() as hook:
        bench = Bench(box, platform, hook)
        contact = bench.contact(bench.entry.behaviour)
        answer = bench.send(contact, content=bench.entry.receipt_content)
        seen = eventually(lambda: next(iter(hook.seen), None))
        read: Webhook = bench.read(seen)
        kinds = {receipt.kind for receipt in read.receipts}
        assert kinds == {
            ReceiptKind.CLICKED if bench.entry.behaviour == "click" else ReceiptKind.DELIVERED
        }
        assert {receipt.provider_id for receipt in read.receipts} <= _names(bench, answer)
        if bench.provider.capabilities.provider_ids is ProviderIds.PER_CALL:
            assert {receipt.contact for receipt in read.receipts} == {contact}
        assert bench.read(seen).receipts == read.receipts
        if bench.entry.unknown is not None:
            strange = bench.provider.read_webhook(
                changed(seen, *bench.entry.unknown),
                bench.provider.webhook_secret(bench.credentials),
            )
            assert {receipt.kind for receipt in strange.receipts} == {ReceiptKind.OTHER}
            assert all(receipt.code for receipt in strange.receipts)
        _check_forged(bench, seen)


def _check_forged(bench: Bench, seen: Any) -> None:
    """Check that another secret is refused, or another name and password of a vendor that signs
    nothing.
    """
    bench.with_wrong_credentials()
    if "receiver" in bench.provider.capabilities.credentials:
        bench.credentials |= {"receiver": "us", "pswd": "a word"}
    with pytest.raises(Unverified):
        bench.read(seen)


TEXTS = st.text(max_size=8) | st.sampled_from(
    (
        "",
        "0",
        "1",
        "echostr",
        "signature",
        "msg_signature",
        "timestamp",
        "nonce",
        "SMS_REPORT",
        "%",
        "é",
    )
)
FIELDS = st.dictionaries(TEXTS, TEXTS, max_size=4)


@pytest.mark.hypothesis
@every
def test_whatever_is_posted_is_read_or_refused(bench: Bench) -> None:
    secret = bench.provider.webhook_secret(bench.credentials)

    @examples(60, repeated=20)
    @given(
        st.sampled_from(["GET", "POST", "PUT", ""]),
        FIELDS,
        FIELDS,
        st.binary(max_size=60)
        | st.dictionaries(st.sampled_from(NAMES), VALUES_OF, max_size=4).map(as_json),
    )
    def try_it(method: str, headers: dict[str, str], query: dict[str, str], body: bytes) -> None:
        try:
            bench.provider.read_webhook(
                WebhookRequest(method, headers, query, body, 1_700_000_000_000), secret
            )
        except (Unverified, Invalid):
            return
        assert bench.platform in WITH_WEBHOOK  # a platform that reports nothing accepts nothing

    try_it()


@pytest.mark.parametrize("platform", POLLED)
def test_a_poll_tells_what_was_delivered(bench: Bench) -> None:
    contact = bench.contact()
    answer = bench.send(contact)
    provider_ids = {answer.provider_id: [contact]} if answer.provider_id else {}
    polled: list[Receipt] = []
    with bench.session() as session:

        def ask() -> list[Receipt]:
            polled.extend(
                entry for entry in session.poll(provider_ids) if isinstance(entry, Receipt)
            )
            return polled

        eventually(ask)
        session.poll(provider_ids)
    assert {receipt.kind for receipt in polled} == {ReceiptKind.DELIVERED}
    assert {receipt.provider_id for receipt in polled} <= _names(bench, answer)


@every
def test_what_was_sent_is_taken_back_where_the_provider_can(bench: Bench) -> None:
    contact = bench.contact()
    answer = bench.send(contact)
    with bench.session() as session:
        if not bench.provider.capabilities.recall:
            with pytest.raises(Rejected):
                session.recall(answer.provider_id, [contact])
            return
        (outcome,) = session.recall(answer.provider_id, [contact])
        assert outcome.loss is None
        (again,) = session.recall(answer.provider_id, [contact])
        assert again.loss in (None, Loss.SUBMIT_FAILED)  # vendors differ in their answers then
