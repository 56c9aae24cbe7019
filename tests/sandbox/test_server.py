"""The common part of the sandbox: the log, receipts and their retries, accounts, start and end."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from infra.package import ROOT
from infra.sandbox.accounts import Account, is_local
from infra.sandbox.behaviour import DIGITS, WORDS, Behaviour, of
from infra.sandbox.links import first_local_link
from infra.sandbox.receipts import EARLY_SECONDS
from tests.liveness import HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, command, running, webhook

AUTH = ("key", "secret")


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "1", "--timeout-hang", "1") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    started.register("jpush", "key", webhook_url=None)
    return started


@pytest.mark.parametrize("stage", ["local", "test", "bench"])
def test_a_call_is_answered_while_its_client_waits_even_if_nobody_takes_early_receipts(
    stage: str,
) -> None:
    stages = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]
    assert float(stages[stage]["environment_variables"]["PROVIDER_TIMEOUT"]) / 2 >= EARLY_SECONDS


def push(box: Sandbox, *ids: str) -> requests.Response:
    body = {
        "platform": "all",
        "audience": {"registration_id": list(ids)},
        "notification": {"alert": "hi"},
    }
    return requests.post(box.url + "/jpush/v3/push", json=body, auth=AUTH, timeout=PATIENCE)


@pytest.mark.parametrize("suffix", WORDS)
def test_the_word_after_the_last_dash_decides(suffix: str) -> None:
    assert of(f"reg-000123-{suffix}") == of(f"u17-{suffix}@mail-reject.example") == WORDS[suffix]
    for contact in (suffix, f"{suffix}-", f"{suffix}-x", f"a@b-{suffix}"):
        assert of(contact) == Behaviour.DELIVERED


@pytest.mark.parametrize("digits", DIGITS)
def test_the_last_four_digits_of_a_phone_number_decide(digits: str) -> None:
    assert of(f"1380000{digits}") == of(f"+861380000{digits}") == DIGITS[digits]
    assert of(f"reg{digits}") == of(f"1380000{digits}1") == Behaviour.DELIVERED


@given(st.text())
def test_any_contact_has_a_behaviour(contact: str) -> None:
    assert isinstance(of(contact), Behaviour)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "https://localhost/x",
        "http://[::1]/",
        "http://api.localhost:4566/",
        "http://localhost.localstack.cloud:4566/x",
    ],
)
def test_addresses_of_this_machine_are_called(url: str) -> None:
    assert is_local(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "http://localhost@example.com/",
        "http://localhost.localstack.cloud.example.com/",
        "ftp://127.0.0.1/",
        "http://[",
        "x",
    ],
)
def test_other_addresses_never_are(box: Sandbox, url: str) -> None:
    assert not is_local(url)
    assert box.register("jpush", "other", webhook_url=url).status_code == 400
    assert first_local_link([f"see {url}"]) is None


def test_every_second_receipt_trickles_in_over_the_time() -> None:
    account = Account("jpush", "key", receipt_delay=1.0, trickle=120.0)
    delays = [account.delay() for _ in range(1000)]
    slow = sorted(delay for delay in delays if delay > 1.0)
    assert len(slow) == 500
    assert max(later - earlier for earlier, later in pairwise(slow)) < 1.0
    assert slow[-1] <= 121.0


def test_a_webhook_that_fails_is_posted_to_again_with_the_same_body(box: Sandbox) -> None:
    with webhook() as hook:
        hook.script = [500, 204]
        box.register("jpush", "key", webhook_url=hook.url, receipt_wait=0)
        push(box, "a")
        eventually(lambda: len(hook.seen) == 3)
        assert len({seen.body for seen in hook.seen}) == 1
        counts = {"pending": 0, "posted": 1, "failed": 0, "posts": 1, "retries": 2}
        eventually(lambda: box.get("receipts")["jpush"] == counts)


def test_a_webhook_that_is_not_there_is_given_up_after_six_tries(box: Sandbox) -> None:
    with webhook() as hook:
        undeliverable = hook.url
    box.register("jpush", "key", webhook_url=undeliverable, receipt_wait=0)
    push(box, "a", "b")
    counts = {"pending": 0, "posted": 0, "failed": 2, "posts": 0, "retries": 5}
    eventually(lambda: box.get("receipts")["jpush"] == counts)


def test_receipts_of_several_calls_are_gathered_while_an_array_may_wait(box: Sandbox) -> None:
    with webhook() as hook:
        box.register("jpush", "key", webhook_url=hook.url, receipt_wait=0.5, receipt_batch=3)
        for contact in "abcd":
            push(box, contact)
        eventually(lambda: len(hook.events()) == 4)
        assert [len(seen.json["data"]) for seen in hook.seen] == [3, 1]


def test_receipts_wait_for_the_accounts_delay(box: Sandbox) -> None:
    with webhook() as hook:
        for delay, device in ((3600, "a"), (0.1, "b")):
            box.register("jpush", "key", webhook_url=hook.url, receipt_wait=0, receipt_delay=delay)
            push(box, device)
        eventually(lambda: hook.seen)
        assert [event["registration_id"] for event in hook.events()] == ["b"]
        assert box.get("receipts")["jpush"]["pending"] == 1


def test_calls_are_listed_in_pages(box: Sandbox) -> None:
    for n in range(5):
        push(box, f"d{n}")
    first = box.get("calls", limit=2)
    rest = box.get("calls", limit=10, after=first["after"])
    assert [call["number"] for call in first["calls"] + rest["calls"]] == [0, 1, 2, 3, 4]
    assert rest["after"] is None
    assert box.get("calls", provider="jsms") == {
        "calls": [],
        "after": None,
        "totals": {"jsms": _none()},
    }
    assert box.get("calls")["totals"]["jpush"] == {
        "calls": 5,
        "outcomes": {"accepted": 5},
        "contacts": 5,
        "sends": 5,
        "repeated": {},
    }


def _none() -> dict[str, Any]:
    return {"calls": 0, "outcomes": {}, "contacts": 0, "sends": 0, "repeated": {}}


def test_a_call_of_a_contact_says_whether_the_contact_got_something(box: Sandbox) -> None:
    push(box, "good", "bad-reject")
    (good,) = box.get("calls", contact="good")["calls"]
    (bad,) = box.get("calls", contact="bad-reject")["calls"]
    assert (good["contacts"], good["sent"], good["sent_to_contact"], bad["sent_to_contact"]) == (
        2,
        1,
        True,
        False,
    )
    assert box.get("sends") == {"good": 1}
    assert box.get("calls", contact="nobody")["sends"] == {"nobody": 0}


def test_clearing_forgets_calls_and_pending_receipts_but_not_accounts(box: Sandbox) -> None:
    with webhook() as hook:
        box.register("jpush", "key", webhook_url=hook.url, receipt_wait=0)
        push(box, "a-late")
        box.clear()
        assert box.get("receipts")["jpush"]["pending"] == 0
        assert box.get("calls") == {"calls": [], "after": None, "totals": {}}
        assert box.get("inbox", contact="a-late") == {"messages": []}
        push(box, "b")
        eventually(lambda: hook.seen)


@pytest.mark.parametrize(
    "settings",
    [
        {"provider": "pigeon"},
        {"app_key": "a:b"},
        {"receipt_batch": 0},
        {"receipt_batch": 1.5},
        {"trickle": -1},
        {"webhook_url": 7},
        {"webhok_url": "http://127.0.0.1/"},
        {"verify": True},
    ],
)
def test_settings_that_mean_nothing_are_refused(box: Sandbox, settings: dict[str, Any]) -> None:
    reply = box.ask(
        "POST", "/_sandbox/accounts", json={"provider": "jpush", "app_key": "other", **settings}
    )
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_twenty_thousand_contacts_are_no_burden(box: Sandbox) -> None:
    with webhook() as hook:
        box.register("jpush", "key", webhook_url=hook.url)
        for page in range(20):
            assert push(box, *(f"d{page}-{n}" for n in range(1000))).status_code == 200
        eventually(lambda: box.get("receipts")["jpush"]["posted"] == 20_000)
        assert len(hook.seen) == 200
        assert set(box.get("sends", provider="jpush").values()) == {1}
        assert box.get("calls", contact="d3-7")["sends"] == {"d3-7": 1}


def test_it_ends_soon_when_told_to_although_clients_wait_for_answers(tmp_path: Path) -> None:
    options = ("--timeout-hang", str(HANG), "--state-dir", str(tmp_path))
    with command(*options) as (box, process):
        assert box.get("health")["status"] == "ok"
        assert (tmp_path / "certificate.pem").read_text() == box.ask(
            "GET", "/_sandbox/certificate"
        ).text
        waiting = HTTPConnection("127.0.0.1", box.about["http_port"])
        headers = {"Authorization": "Basic azpz", "Content-Type": "application/json"}
        waiting.request(
            "POST", "/jsms/v1/messages", b'{"mobile": "13800000007", "temp_id": 1}', headers
        )
        mailing = smtplib.SMTP("127.0.0.1", box.about["smtp_port"], timeout=PATIENCE)
        eventually(lambda: box.outcomes("13800000007") == ["timeout"])
        process.terminate()
        assert process.wait(PATIENCE) == 0
        with pytest.raises((ConnectionError, HTTPException)):
            waiting.getresponse()
        mailing.close()
        waiting.close()


def test_an_answer_that_stays_away_ends_with_a_cut_connection(box: Sandbox) -> None:
    with pytest.raises(requests.ConnectionError):
        push(box, "a-timeout")
    assert box.sends("a-timeout") == 1
