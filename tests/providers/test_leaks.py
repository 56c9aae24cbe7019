"""No platform lets a contact or a content into ids, keys, logs, queues or answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Misconfigured, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import (
    Answer,
    Outcome,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
    Reply,
)
from chalicelib.flow import provider_ids, receipts
from chalicelib.providers import registry
from chalicelib.web.messages import Response
from infra.demo.platforms import DIGITS
from tests.fakes.secrets import FakeVault
from tests.liveness import eventually
from tests.providers.contract import Bench, received
from tests.providers.leaking import CONTENT, Deployment
from tests.providers.sandboxes import Sandbox, Webhook, webhook

PLATFORMS = sorted(registry.capabilities())
WORDS = ("deliver", "reject", "undelivered", "click", "double")
PHONE = "13800138000"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_contact_leaves_its_seal_on_any_path(
    box: Sandbox, platform: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with webhook() as hook:
        bench = Bench(box, platform, hook)
        deployment = Deployment(bench, caplog)
        contacts = [bench.contact(word, n) for n, word in enumerate(WORDS)]
        message = deployment.send(*contacts, content=bench.entry.receipt_content)
        _receipts(deployment, hook)
        deployment.poll(message)
        _failures(deployment)
        _strangers(deployment)
        _withdrawals(deployment)
        deployment.fail(bench.contact("deliver", 70))
    assert set(DIGITS) >= set(WORDS)
    assert deployment.answers
    assert deployment.leaks() == []


def _receipts(deployment: Deployment, hook: Webhook) -> None:
    """Take each post as it is, forged, cut, twice, before and after it is expected."""
    bench = deployment.bench
    modes = {mode.value for mode in deployment.can.receipt_modes}
    # Nobody posts the reports of a mail server: an operator's own mailbox does.
    if "webhook" in modes and bench.platform != "smtp":
        eventually(lambda: bool(hook.seen))
    for seen in list(hook.seen):
        request = received(seen)
        contact = bench.contact("deliver", 0)
        for body in (request.body, request.body[:-9], f"{contact} {CONTENT}".encode()):
            deployment.take(replace(request, body=body))
        deployment.take(replace(request, query={**request.query, "mobile": contact}))
        deployment.take(request, token=contact)


def _failures(deployment: Deployment) -> None:
    """Let the vendor fail in every way, and quote contact and text in its answers."""
    bench = deployment.bench
    contact = bench.contact("deliver", 50)
    answers: list[object] = [
        *_quotations(contact),
        Uncertain("timeout"),
        Unavailable("dns"),
        Throttled("busy", retry_after=1.0),
        Misconfigured("tls_certificate"),
    ]
    for answer in answers:
        bench.meddle(answer)  # type: ignore[arg-type]
        deployment.send(contact, content=bench.at_sandbox.content)
    bench.meddle(None)


def _withdrawals(deployment: Deployment) -> None:
    """Recall what a provider took. It recalls, refuses with a quotation, and cannot be reached."""
    bench = deployment.bench
    contact = bench.contact("deliver", 80)
    answers = [None, *_quotations(contact), Uncertain("timeout"), Misconfigured("bad_key")]
    for answer in answers:
        message = deployment.send(contact, content=bench.at_sandbox.content)
        bench.meddle(answer, where="")
        deployment.withdraw(message)
        bench.meddle(None)


def _quotations(contact: str) -> list[Response]:
    """Return answers in which a vendor repeats a contact and a text, also as its code."""
    texts = [
        f'{{"code": "{contact}", "message": "{contact} {CONTENT}", "errcode": 1}}',
        f'{{"errcode": "{contact}", "errmsg": "{contact} {CONTENT}", "result": "{contact}"}}',
        f'{{"error": {{"code": "{contact}", "message": "{CONTENT}"}}, "statusCode": "{contact}"}}',
    ]
    return [Response(status, {}, text.encode()) for text in texts for status in (200, 400, 500)]


def _strangers(deployment: Deployment) -> None:
    """Take receipts of another system, and replies, with statuses that are not a vendor's."""
    contact = deployment.bench.contact("deliver", 60)
    deployment.contacts.append(contact)
    code = deployment.bench.code
    odd = Receipt(f"id-{contact}", ReceiptKind.OTHER, 5, contact, f"odd {contact}")
    receipts.record(deployment.world, code, [odd])
    reply = Reply(contact, f"TD {CONTENT}", 5, f"reply-{contact}")
    receipts.record_replies(deployment.world, code, [reply])


@pytest.mark.parametrize("spelling", [PHONE, f"+86{PHONE}", f"0086{PHONE}"])
@pytest.mark.parametrize("id", [f"77-{PHONE}", f"{PHONE}20261129", f"86{PHONE}"])
def test_an_id_that_a_vendor_makes_of_a_number_is_concealed_the_same_way_everywhere(
    id: str, spelling: str
) -> None:
    vault = FakeVault()
    concealed = provider_ids.concealed(vault, id, [spelling])
    assert PHONE[-8:] not in concealed
    receipt = provider_ids.of_receipt(Receipt(id, ReceiptKind.DELIVERED, 1, PHONE))
    assert provider_ids.hidden(vault, receipt.provider_id) == concealed
    assert concealed in provider_ids.names(vault, receipt)
    assert provider_ids.concealed(vault, concealed, [spelling]) == concealed


def test_ids_without_a_contact_stay_as_they_are() -> None:
    vault = FakeVault()
    for id in ("18100287", "a b", "0011-ab|0012-ab 0013-cd", ""):
        assert provider_ids.concealed(vault, id, [PHONE, "user1", ""]) == id


def test_of_an_answer_every_id_and_code_is_concealed() -> None:
    call = OutgoingCall("m1", [Recipient(PHONE, {}, "m1.0.0")])
    answer = Answer([Outcome(provider_id=f"9.{PHONE}", code=f"no {PHONE}")], f"c{PHONE}")
    concealed = provider_ids.of_answer(FakeVault(), call, answer)
    assert PHONE[-8:] not in str(concealed)


def test_the_id_of_a_call_to_many_is_polled_and_recalled_by_as_it_is() -> None:
    """Of 100 userids of eight digits, one may stand in the vendor's id by chance."""
    call = OutgoingCall("m1", [Recipient(userid, {}) for userid in ("20230001", "20230002")])
    answer = Answer([Outcome(), Outcome()], "2562320230001")
    assert provider_ids.of_answer(FakeVault(), call, answer).provider_id == "2562320230001"


@pytest.mark.parametrize("code", [PHONE, f"no {PHONE}", f"0086{PHONE}:bad"])
def test_a_contact_in_the_place_of_an_errors_code_is_masked(code: str) -> None:
    with pytest.raises(Rejected) as raised, provider_ids.of_error([f"+86{PHONE}", "ann"]):
        raise Rejected(code)
    assert (raised.value.code, str(raised.value)) == ("***", "***")


def test_a_code_without_a_contact_stays_as_it_is() -> None:
    with pytest.raises(Rejected, match=r"isv\.invalid"), provider_ids.of_error([PHONE]):
        raise Rejected("isv.invalid")
