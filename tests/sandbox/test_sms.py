"""The common part of the sandbox's SMS platforms over HTTP, called by our own providers.

Every platform has further tests of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from chalicelib.domain.errors import Misconfigured, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import Answer, ProviderIds, Receipt, ReceiptKind, Reply
from tests.liveness import GIVES_UP, HANG, PATIENCE, eventually, is_recent
from tests.providers.contract import Bench
from tests.providers.sandboxes import Sandbox, Webhook, running, webhook

PLATFORMS = ("chuanglan", "jsms", "montnets")
IN_WORDS = (
    "chuanglan",
    "montnets",
)  # a push counts as taken when it is answered in the vendor's words


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", str(HANG)) as box:
        yield box


@pytest.fixture(params=PLATFORMS)
def bench(box: Sandbox, request: pytest.FixtureRequest) -> Bench:
    return Bench(box, request.param)


@pytest.fixture(params=PLATFORMS)
def pushed(box: Sandbox, request: pytest.FixtureRequest) -> Iterator[tuple[Bench, Webhook]]:
    with webhook() as hook:
        bench = Bench(box, request.param, hook)
        hook.says = lambda seen: bench.read(seen).reply
        yield bench, hook


def told(bench: Bench, hook: Webhook) -> list[Receipt]:
    return [receipt for seen in list(hook.seen) for receipt in bench.read(seen).receipts]


def names(answer: Answer, *contacts: str) -> list[tuple[str, str]]:
    """Return ids and contacts by which receipts name the deliveries of a call."""
    by_id = [(outcome.provider_id, "") for outcome in answer.outcomes]
    return [(answer.provider_id, contact) for contact in contacts] if answer.provider_id else by_id


def name(bench: Bench, receipt: Receipt) -> tuple[str, str]:
    is_of_call = bench.provider.capabilities.provider_ids is ProviderIds.PER_CALL
    return receipt.provider_id, receipt.contact if is_of_call else ""


def polled(bench: Bench) -> Sequence[Receipt | Reply]:
    with bench.session() as session:
        return session.poll({})


def write_back(bench: Bench, text: str) -> str:
    contact = bench.contact()
    written = {
        "provider": bench.platform,
        "app_key": bench.made.account["app_key"],
        "contact": contact,
        "text": text,
    }  # type: ignore[index]
    assert bench.box.ask("POST", "/_sandbox/replies", json=written).status_code == 204
    return contact


@pytest.mark.parametrize(("behaviour", "kind"), [("flaky", Unavailable), ("throttle", Throttled)])
def test_a_trouble_refuses_the_whole_call_once(
    bench: Bench, behaviour: str, kind: type[Exception]
) -> None:
    troubled, good = bench.contact(behaviour), bench.contact(number=1)
    with pytest.raises(kind) as error:
        bench.send(troubled, good)
    assert type(error.value) is kind
    assert bench.sends(good) == 0
    assert all(id for id, _ in names(bench.send(troubled, good), troubled, good))
    assert bench.sends(good) == 1


def test_a_call_that_times_out_was_sent_and_a_repeat_sends_it_again(bench: Bench) -> None:
    contact = bench.contact("timeout")
    bench.be_patient(GIVES_UP)
    with pytest.raises(Uncertain):
        bench.send(contact)
    bench.be_patient(PATIENCE)
    bench.send(contact)
    assert bench.sends(contact) == 2
    assert bench.box.outcomes(contact) == ["timeout", "accepted"]


def test_each_report_is_polled_once(bench: Bench) -> None:
    contacts = [bench.contact(), bench.contact("undelivered"), bench.contact("silent")]
    ids = names(bench.send(*contacts), *contacts)
    receipts: list[Receipt | Reply] = []
    eventually(lambda: receipts.extend(polled(bench)) or len(receipts) == 2)
    kinds = {
        name(bench, receipt): receipt.kind for receipt in receipts if isinstance(receipt, Receipt)
    }
    assert kinds == {ids[0]: ReceiptKind.DELIVERED, ids[1]: ReceiptKind.DELIVERY_FAILED}
    assert polled(bench) == []


@pytest.mark.parametrize("bench", IN_WORDS, indirect=True)
def test_only_a_number_that_does_not_exist_is_reported_as_dead(bench: Bench) -> None:
    contacts = [bench.contact("reject"), bench.contact("undelivered")]
    ids = names(bench.send(*contacts), *contacts)
    receipts: list[Receipt | Reply] = []
    eventually(lambda: receipts.extend(polled(bench)) or len(receipts) == 2)
    assert {
        name(bench, receipt): receipt.undeliverable
        for receipt in receipts
        if isinstance(receipt, Receipt)
    } == dict(zip(ids, [True, False], strict=True))


def test_a_push_that_failed_comes_again_as_it_was(pushed: tuple[Bench, Webhook]) -> None:
    bench, hook = pushed
    hook.script = [500]
    bench.send(bench.contact())
    eventually(lambda: len(hook.seen) == 2)
    assert hook.seen[0].body == hook.seen[1].body
    assert hook.seen[0].path == hook.seen[1].path
    assert polled(bench) == []


@pytest.mark.parametrize("pushed", IN_WORDS, indirect=True)
def test_a_push_that_is_not_answered_in_the_vendors_words_comes_again(
    pushed: tuple[Bench, Webhook],
) -> None:
    bench, hook = pushed
    hook.deaf = 2
    bench.send(bench.contact())
    eventually(lambda: len(hook.seen) == 3)
    eventually(lambda: bench.box.get("receipts")[bench.platform]["pending"] == 0)
    assert bench.box.get("receipts")[bench.platform]["failed"] == 0


def test_a_double_report_comes_before_the_answer_and_again(pushed: tuple[Bench, Webhook]) -> None:
    bench, hook = pushed
    contact = bench.contact("double")
    (sent,) = names(bench.send(contact), contact)
    assert hook.seen  # before the answer
    eventually(lambda: len(hook.seen) == 2)
    first, second = told(bench, hook)
    assert (first, name(bench, first)) == (second, sent)


def test_a_late_report_comes_late(pushed: tuple[Bench, Webhook]) -> None:
    bench, hook = pushed
    contacts = bench.contact("late"), bench.contact(number=1)
    late, good = names(bench.send(*contacts), *contacts)
    reports = eventually(lambda: told(bench, hook), lambda reports: len(reports) == 2)
    assert [name(bench, report) for report in reports] == [good, late]
    assert is_recent(reports[1].time / 1000)


def test_what_a_person_writes_back_is_polled(bench: Bench) -> None:
    contact = write_back(bench, "退订 R")
    (reply,) = polled(bench)
    assert isinstance(reply, Reply)
    assert (reply.contact, reply.text) == (contact, "退订 R")
    assert is_recent(reply.time / 1000)
    assert polled(bench) == []
    written = {"provider": bench.platform, "app_key": "key", "contact": contact, "text": "TD"}
    for bad in ({}, [], {**written, "provider": "alipay"}, {**written, "text": ""}):
        assert bench.box.ask("POST", "/_sandbox/replies", json=bad).status_code == 400


def test_what_a_person_writes_back_is_pushed(pushed: tuple[Bench, Webhook]) -> None:
    bench, hook = pushed
    contact = write_back(bench, "TD")
    eventually(lambda: hook.seen)
    assert [(reply.contact, reply.text) for reply in bench.read(hook.seen[0]).replies] == [
        (contact, "TD")
    ]
    assert polled(bench) == []


def test_a_wrong_password_is_refused_whatever_is_asked(bench: Bench) -> None:
    bench.with_wrong_credentials()
    with bench.session() as session:
        for ask in (
            session.check,
            lambda: session.poll({}),
            lambda: session.send(bench.call(bench.contact())),
        ):
            with pytest.raises(Misconfigured):
                ask()
    assert bench.sends(bench.contact()) == 0
