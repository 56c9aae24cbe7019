"""The provider against the sandbox's gateway, in both versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from chalicelib.domain.errors import Misconfigured, ProviderError, Rejected, Throttled, Unavailable
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    Recipient,
    derived_name,
    names_of,
    parts_of,
)
from chalicelib.providers.sms.cmpp import receipts
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.web.egress import Policy
from tests.liveness import GIVES_UP, PATIENCE
from tests.providers.sandboxes import Sandbox, running
from tests.providers.sms.cmpp.calls import LOGIN, call, number


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _fresh(sandbox: Sandbox) -> None:
    sandbox.clear()
    sandbox.register("cmpp", LOGIN["account"])


def account(sandbox: Sandbox, *, password: str = "secret", **options: Any) -> Account:
    where = {"server": "127.0.0.1", "port": sandbox.about["cmpp_port"], "access_number": "10690001"}
    return Account("sms1", {**LOGIN, "password": password}, {**where, **options})


def send(
    sandbox: Sandbox,
    numbers: Sequence[str],
    text: str = "hello",
    timeout: float = PATIENCE,
    **options: Any,
) -> Answer:
    cmpp = Cmpp(Policy(("127.0.0.1",)), timeout)
    with cmpp.connect(account(sandbox, **options)) as session:
        return session.send(call(numbers, text))


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_a_text_reaches_every_number_of_a_call_in_one_submit(
    sandbox: Sandbox, version: str
) -> None:
    numbers = [number(n) for n in range(99)]
    answer = send(sandbox, numbers, "你好 hello", version=version)
    assert all(outcome.loss is None and outcome.provider_id for outcome in answer.outcomes)
    calls = [
        entry
        for entry in sandbox.get("calls", provider="cmpp")["calls"]
        if entry["endpoint"] == "SUBMIT"
    ]
    assert [(entry["contacts"], entry["sent"]) for entry in calls] == [(99, 99)]
    (message,) = sandbox.get("inbox", contact=numbers[98])["messages"]
    assert message["content"] == {
        "content": "你好 hello",
        "from": "10690001",
        "format": 8,
        "parts": 1,
    }


@pytest.mark.parametrize("version", ["2.0", "3.0"])
@pytest.mark.parametrize(
    ("text", "parts"), [("a" * 159, 1), ("a" * 160, 2), ("你" * 71, 2), ("你" * 300, 5)]
)
def test_a_long_text_goes_in_parts_and_arrives_whole(
    sandbox: Sandbox, version: str, text: str, parts: int
) -> None:
    answer = send(sandbox, [number(1), number(2)], text, version=version)
    (message, *_) = sandbox.get("inbox", contact=number(2))["messages"]
    assert (message["content"]["content"], message["content"]["parts"]) == (text, parts)
    assert [len(parts_of(outcome.provider_id)) for outcome in answer.outcomes] == [parts, parts]


@pytest.mark.parametrize("group_ids", ["both", "consecutive", "one"])
def test_each_recipient_has_the_names_under_which_a_gateway_may_report(
    sandbox: Sandbox, group_ids: str
) -> None:
    answer = send(sandbox, [number(1), number(2)], group_ids=group_ids)
    first = int(answer.outcomes[0].provider_id.split("-")[0], 16)
    one, other = receipts.name(first, number(2)), receipts.name(first + 1, number(2))
    assert (
        names_of(answer.outcomes[1].provider_id)
        == {"both": (one, derived_name(other)), "consecutive": (other,), "one": (one,)}[group_ids]
    )
    assert answer.outcomes[0].provider_id == receipts.name(first, number(1))


def test_a_refused_number_among_many_puts_its_group_off(sandbox: Sandbox) -> None:
    numbers = [number(n, "0001" if n == 13 else "1111") for n in range(20)]
    outcomes = send(sandbox, numbers).outcomes
    assert outcomes == [Outcome(code="13", later=True, together=True)] * 20
    assert not any(map(sandbox.sends, numbers))
    (alone,) = send(sandbox, numbers[13:14]).outcomes
    assert alone == Outcome(Loss.INVALID_TARGET, "13")


@pytest.mark.parametrize(
    "bad", ["", "abc", "1234", "1" * 21, "138 0013", "１３８００１３８０００", "13800138000\0"]
)
def test_what_is_no_number_is_never_sent(sandbox: Sandbox, bad: str) -> None:
    outcomes = send(sandbox, [bad, number(1)]).outcomes
    assert outcomes[0] == Outcome(Loss.INVALID_TARGET, "bad_number")
    assert outcomes[1].provider_id


def test_one_number_of_two_people_goes_in_two_submits(sandbox: Sandbox) -> None:
    outcomes = send(sandbox, [number(1), "+86" + number(1)], version="3.0").outcomes
    assert outcomes[0].provider_id != outcomes[1].provider_id
    assert len(sandbox.get("calls", contact=number(1))["calls"]) == 1
    assert len(sandbox.get("calls", contact="86" + number(1))["calls"]) == 1


def test_fewer_numbers_a_submit_where_an_operator_says_so(sandbox: Sandbox) -> None:
    send(sandbox, [number(n) for n in range(5)], numbers_per_submit=2)
    calls = [
        entry["contacts"]
        for entry in sandbox.get("calls", provider="cmpp")["calls"]
        if entry["endpoint"] == "SUBMIT"
    ]
    assert calls == [2, 2, 1]


def test_a_throttled_call_was_not_taken_and_succeeds_the_next_time(sandbox: Sandbox) -> None:
    with pytest.raises(Throttled):
        send(sandbox, [number(1), number(2, "0008")])
    assert all(
        outcome.provider_id for outcome in send(sandbox, [number(1), number(2, "0008")]).outcomes
    )
    assert sandbox.sends(number(1)) == 1


def test_a_call_that_fails_once_succeeds_the_next_time(sandbox: Sandbox) -> None:
    with pytest.raises(Unavailable):
        send(sandbox, [number(1, "0005")])
    assert send(sandbox, [number(1, "0005")]).outcomes[0].provider_id


def test_nobody_knows_of_a_call_without_an_answer(sandbox: Sandbox) -> None:
    outcomes = send(sandbox, [number(1, "0007")], timeout=GIVES_UP).outcomes
    assert outcomes == [Outcome(code="timeout", uncertain=True)]
    assert sandbox.sends(number(1, "0007")) == 1


def test_what_was_taken_before_an_answer_stayed_away_is_known(sandbox: Sandbox) -> None:
    numbers = [number(1), number(2, "0007"), number(3)]
    outcomes = send(sandbox, numbers, timeout=GIVES_UP, numbers_per_submit=1).outcomes
    assert [(bool(o.provider_id), o.uncertain, o.later) for o in outcomes] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


def test_a_wrong_password_is_for_the_operator(sandbox: Sandbox) -> None:
    with pytest.raises(Misconfigured, match="connect_3"):
        send(sandbox, [number(1)], password="wrong")


def test_an_account_that_nobody_knows_is_for_the_operator(sandbox: Sandbox) -> None:
    where = account(sandbox)
    cmpp = Cmpp(Policy(("127.0.0.1",)), PATIENCE)
    with (
        cmpp.connect(Account("x", {**LOGIN, "account": "nobody"}, where.options)) as session,
        pytest.raises(Misconfigured, match="connect_2"),
    ):
        session.check()


def test_a_gateway_that_is_away_took_nothing() -> None:
    cmpp = Cmpp(Policy(("127.0.0.1",)), 0.1)
    where = {"server": "127.0.0.1", "port": 1, "access_number": "10690001"}
    with cmpp.connect(Account("x", LOGIN, where)) as session, pytest.raises(Unavailable):
        session.send(call([number(1)]))


def test_a_private_address_is_not_connected_to(sandbox: Sandbox) -> None:
    with (
        Cmpp(Policy(), PATIENCE).connect(account(sandbox)) as session,
        pytest.raises(Misconfigured, match="egress_address"),
    ):
        session.send(call([number(1)]))


def test_checking_an_account_connects_and_sends_nothing(sandbox: Sandbox) -> None:
    with Cmpp(Policy(("127.0.0.1",)), PATIENCE).connect(account(sandbox, version="3.0")) as session:
        session.check()
    assert [entry["endpoint"] for entry in sandbox.get("calls", provider="cmpp")["calls"]] == [
        "CONNECT"
    ]


@pytest.mark.parametrize("content", [{}, {"content": ""}, {"content": 7}, {"temp_id": 1}])
def test_a_content_without_text_is_rejected(sandbox: Sandbox, content: Mapping[str, Any]) -> None:
    with (
        Cmpp(Policy(("127.0.0.1",)), PATIENCE).connect(account(sandbox)) as session,
        pytest.raises(Rejected, match="no_content"),
    ):
        session.send(OutgoingCall("m", [Recipient(number(1), content)]))


def test_a_text_of_too_many_parts_is_rejected(sandbox: Sandbox) -> None:
    with pytest.raises(Rejected, match="too_long"):
        send(sandbox, [number(1)], "你" * (20 * 67 + 1))
    assert send(sandbox, [number(1)], "你" * (20 * 67)).outcomes[0].provider_id


def test_no_error_names_a_number_or_a_text(sandbox: Sandbox) -> None:
    for numbers, options in (([number(1, "0008")], {}), ([number(1)], {"password": "wrong"})):
        with pytest.raises(ProviderError) as error:
            send(sandbox, numbers, "a secret text", **options)
        assert number(1)[:7] not in repr(error.value)
        assert "secret" not in repr(error.value)
