"""The provider against the sandbox's gateway, in both versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    Recipient,
    names_of,
    parts_of,
)
from chalicelib.providers.sms.cmpp import receipts, settings
from chalicelib.providers.sms.cmpp.codec import Submit, SubmitResp
from chalicelib.providers.sms.cmpp.provider import Cmpp, CmppSession
from chalicelib.web.egress import Policy
from tests.liveness import GIVES_UP, PATIENCE
from tests.providers.sandboxes import Sandbox, running

OPTIONS = {"server": "gw.example.com", "access_number": "10690001"}
LOGIN = {"account": "900001", "password": "secret"}


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


def call(numbers: Sequence[str], text: str = "hello") -> OutgoingCall:
    return OutgoingCall("m1", [Recipient(number, {"content": text}) for number in numbers])


def number(n: int, digits: str = "1111") -> str:
    return f"138{n:04d}{digits}"


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_a_text_reaches_every_number_of_a_call_in_one_submit(
    sandbox: Sandbox, version: str
) -> None:
    numbers = [number(n) for n in range(99)]
    answer = send(sandbox, numbers, "你好 hello", version=version)
    assert all(outcome.loss is None and outcome.provider_id for outcome in answer.outcomes)
    calls = [
        each
        for each in sandbox.get("calls", provider="cmpp")["calls"]
        if each["endpoint"] == "SUBMIT"
    ]
    assert [(each["contacts"], each["sent"]) for each in calls] == [(99, 99)]
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
        set(names_of(answer.outcomes[1].provider_id))
        == {"both": {one, other}, "consecutive": {other}, "one": {one}}[group_ids]
    )
    assert answer.outcomes[0].provider_id == receipts.name(first, number(1))


def test_a_refused_number_among_many_is_found(sandbox: Sandbox) -> None:
    numbers = [number(n) for n in range(20)]
    numbers[13] = number(13, "0001")
    outcomes = send(sandbox, numbers).outcomes
    assert outcomes[13] == Outcome(Loss.INVALID_TARGET, "13")
    assert [n for n, outcome in enumerate(outcomes) if not outcome.provider_id] == [13]
    assert {each: sandbox.sends(each) for each in numbers} == {
        each: int(n != 13) for n, each in enumerate(numbers)
    }


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
        each["contacts"]
        for each in sandbox.get("calls", provider="cmpp")["calls"]
        if each["endpoint"] == "SUBMIT"
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


class FakeTime:
    """A monotonic clock that goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds
        self.pauses.append(seconds)


class Scripted:
    """A gateway that answers as it is told: a result, or an error to raise; then 0 with ids that count up."""

    def __init__(self, *script: int | ProviderError, **options: Any) -> None:
        self.settings = settings.read(Account("sms1", LOGIN, {**OPTIONS, **options}))
        self.script = list(script)
        self.seen: list[Submit] = []
        self.clock = FakeTime()

    def submit(self, pdu: Submit, until: float, on: Any = None) -> tuple[SubmitResp, Any]:
        self.seen.append(pdu)
        said = self.script.pop(0) if self.script else 0
        if isinstance(said, ProviderError):
            raise said
        return SubmitResp(100 + len(self.seen), said), self

    def send(self, numbers: Sequence[str], text: str = "hello") -> Sequence[Outcome]:
        return CmppSession(self, 5.0, clock=self.clock).send(call(numbers, text)).outcomes  # type: ignore[arg-type]


class Slow(Scripted):
    """The same, and each answer takes two seconds. Nobody may go before it comes."""

    def submit(self, pdu: Submit, until: float, on: Any = None) -> tuple[SubmitResp, Any]:
        self.clock.now += 2
        assert self.clock.now <= until
        return super().submit(pdu, until, on)


THREE_PARTS = "你" * 200


def test_a_later_part_that_is_throttled_is_sent_again_and_not_the_first() -> None:
    gateway = Scripted(0, 8, 8)
    (outcome,) = gateway.send([number(1)], THREE_PARTS)
    assert [pdu.part for pdu in gateway.seen] == [1, 2, 2, 2, 3]
    assert [int(part.split("-")[0], 16) for part in parts_of(outcome.provider_id)] == [
        101,
        104,
        105,
    ]
    assert len(gateway.clock.pauses) == 2


def test_a_gateway_that_slows_a_call_down_is_waited_for_once_some_of_it_has_gone() -> None:
    """What is put off uses up an attempt each time: of ninety-nine numbers, one taken in each, most would be lost."""
    gateway = Scripted(0, 8, 0, 8, 0, 8, 0, 0, *[8] * 99, numbers_per_submit=1)
    outcomes = gateway.send([number(n) for n in range(7)])
    assert [bool(outcome.provider_id) for outcome in outcomes] == [True] * 5 + [False] * 2
    assert all(outcome.later for outcome in outcomes[5:])
    assert gateway.clock.now - 1000 <= 5  # one timeout: then the rest comes later
    with pytest.raises(Throttled):
        Scripted(8).send([number(1)])


@pytest.mark.parametrize(
    ("result", "code"), [(6, "part_6"), (13, "part_13"), (10, "part_10"), (150, "part_150")]
)
def test_a_message_of_which_a_later_part_is_refused_has_failed(result: int, code: str) -> None:
    gateway = Scripted(0, result)
    assert gateway.send([number(1)], THREE_PARTS) == [Outcome(Loss.SUBMIT_FAILED, code)]
    assert len(gateway.seen) == 2


@pytest.mark.parametrize("error", [Unavailable("no_connection"), Uncertain("timeout")])
def test_a_message_that_went_in_part_is_uncertain(error: ProviderError) -> None:
    (outcome,) = Scripted(0, error).send([number(1)], THREE_PARTS)
    assert outcome.uncertain


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (2, Misconfigured),
        (3, Unavailable),
        (5, Misconfigured),
        (7, Misconfigured),
        (8, Throttled),
        (10, Misconfigured),
        (11, Misconfigured),
        (12, Misconfigured),
    ],
)
def test_a_refusal_that_every_call_would_meet_is_raised(
    result: int, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind, match=str(result)):
        Scripted(result).send([number(1), number(2)])


@pytest.mark.parametrize("result", [1, 4, 6, 14, 100, 199, 255])
def test_a_refusal_of_this_message_is_a_failure_of_its_recipients(result: int) -> None:
    assert (
        Scripted(result).send([number(1), number(2)])
        == [Outcome(Loss.SUBMIT_FAILED, str(result))] * 2
    )


@pytest.mark.parametrize("result", [9, 13])
def test_a_refused_number_is_an_invalid_target(result: int) -> None:
    assert Scripted(result).send([number(1)]) == [Outcome(Loss.INVALID_TARGET, str(result))]


def test_what_could_not_be_sent_after_others_were_comes_later() -> None:
    outcomes = Scripted(0, Unavailable("no_connection"), numbers_per_submit=1).send(
        [number(n) for n in range(3)]
    )
    assert [(bool(outcome.provider_id), outcome.later) for outcome in outcomes] == [
        (True, False),
        (False, True),
        (False, True),
    ]


def test_a_call_whose_time_is_over_submits_nothing_more_and_the_rest_comes_later() -> None:
    """A SUBMIT for whose answer nobody waits would be taken, and nobody would ever know."""
    gateway = Slow(numbers_per_submit=1)
    outcomes = gateway.send([number(n) for n in range(9)])
    assert [bool(outcome.provider_id) for outcome in outcomes] == [True] * 3 + [False] * 6
    assert all(outcome.later and not outcome.uncertain for outcome in outcomes[3:])
    assert len(gateway.seen) == 3


def test_a_slow_search_for_a_refused_number_is_gone_on_with_later() -> None:
    gateway = Slow(*[13] * 99)
    outcomes = gateway.send([number(n) for n in range(4)])
    assert {(outcome.loss, outcome.later) for outcome in outcomes} == {
        (Loss.INVALID_TARGET, False),
        (None, True),
    }


def test_a_whole_call_of_bad_numbers_sends_nothing() -> None:
    gateway = Scripted()
    assert gateway.send(["x", "y"]) == [Outcome(Loss.INVALID_TARGET, "bad_number")] * 2
    assert gateway.seen == []


def test_a_submit_holds_what_the_operator_entered() -> None:
    gateway = Scripted(service_code="PAY", fee_user_type=0, fee_type="02", fee_code="10")
    gateway.send([number(1)])
    (pdu,) = gateway.seen
    assert (pdu.account, pdu.source, pdu.service, pdu.report) == ("900001", "10690001", "PAY", 1)
    assert (pdu.fee_user_type, pdu.fee_type, pdu.fee_code) == (0, "02", "10")


@pytest.mark.parametrize(
    ("alphabet", "text", "form", "content"),
    [
        ("ascii", "a@", 0, b"a@"),
        ("gsm", "a@\u20ac", 0, b"a\0\x1be"),
        ("ucs2", "a", 8, b"\0a"),
        ("ascii", "\u4f60", 8, b"\x4f\x60"),
    ],
)
def test_a_text_goes_in_the_alphabet_that_the_gateway_takes(
    alphabet: str, text: str, form: int, content: bytes
) -> None:
    gateway = Scripted(alphabet=alphabet)
    gateway.send([number(1)], text)
    assert [(pdu.format, pdu.content, pdu.has_header) for pdu in gateway.seen] == [
        (form, content, False)
    ]


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
    assert [each["endpoint"] for each in sandbox.get("calls", provider="cmpp")["calls"]] == [
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


@pytest.mark.parametrize(
    ("credentials", "options", "field"),
    [
        ({}, OPTIONS, "credentials.account"),
        ({**LOGIN, "account": "9000011"}, OPTIONS, "credentials.account"),
        ({**LOGIN, "account": "é"}, OPTIONS, "credentials.account"),
        ({**LOGIN, "password": None}, OPTIONS, "credentials.password"),
        ({**LOGIN, "password": "a\0"}, OPTIONS, "credentials.password"),
        ({**LOGIN, "token": "x"}, OPTIONS, "credentials.token"),
        (LOGIN, {}, "options.server"),
        (LOGIN, {"server": "gw"}, "options.access_number"),
        (LOGIN, {**OPTIONS, "access_number": "1069x"}, "options.access_number"),
        (LOGIN, {**OPTIONS, "access_number": "1" * 22}, "options.access_number"),
        (LOGIN, {**OPTIONS, "port": 0}, "options.port"),
        (LOGIN, {**OPTIONS, "port": "7890"}, "options.port"),
        (LOGIN, {**OPTIONS, "version": "4.0"}, "options.version"),
        (LOGIN, {**OPTIONS, "version": 3}, "options.version"),
        (LOGIN, {**OPTIONS, "connections": 0}, "options.connections"),
        (LOGIN, {**OPTIONS, "connections": 65}, "options.connections"),
        (LOGIN, {**OPTIONS, "window": 17}, "options.window"),
        (LOGIN, {**OPTIONS, "numbers_per_submit": 100}, "options.numbers_per_submit"),
        (LOGIN, {**OPTIONS, "group_ids": []}, "options.group_ids"),
        (LOGIN, {**OPTIONS, "alphabet": "utf8"}, "options.alphabet"),
        (LOGIN, {**OPTIONS, "service_code": "12345678901"}, "options.service_code"),
        (LOGIN, {**OPTIONS, "fee_user_type": True}, "options.fee_user_type"),
        (LOGIN, {**OPTIONS, "dead_stats": "MK:0001"}, "options.dead_stats"),
        (LOGIN, {**OPTIONS, "dead_stats": ["MK:00011"]}, "options.dead_stats"),
    ],
)
def test_what_an_operator_enters_wrongly_is_named(
    credentials: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Cmpp(Policy()).check_credentials(credentials, options)
    assert error.value.field == field


def test_the_form_of_ums_is_enough() -> None:
    Cmpp(Policy()).check_credentials(
        LOGIN,
        {
            **OPTIONS,
            "supplier": "a supplier",
            "port": 7890,
            "connections": 64,
            "service_code": "PAY",
        },
    )


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "content"),
        ({"content": " "}, "content"),
        ({"content": "x", "temp_id": 1}, "temp_id"),
        ({"content": "x" * 3061}, "content"),
        ({"content": "你" * 1341}, "content"),
    ],
)
def test_a_template_holds_a_text_and_nothing_else(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        Cmpp(Policy()).check_content(content)
    assert error.value.field == field


@pytest.mark.parametrize("text", ["你" * 1340, "x" * 3060, "你" * 1340 + "{{" + "name" * 20 + "}}"])
def test_a_text_of_as_many_parts_as_there_can_be_is_taken(text: str) -> None:
    Cmpp(Policy()).check_content({"content": text})


def test_no_error_names_a_number_or_a_text(sandbox: Sandbox) -> None:
    for numbers, options in (([number(1, "0008")], {}), ([number(1)], {"password": "wrong"})):
        with pytest.raises(ProviderError) as error:
            send(sandbox, numbers, "a secret text", **options)
        assert number(1)[:7] not in repr(error.value)
        assert "secret" not in repr(error.value)
