"""A session against a scripted gateway: parts, refusals and time limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Misconfigured, ProviderError, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import Account, Loss, Outcome, parts_of
from chalicelib.providers.sms.cmpp import settings
from chalicelib.providers.sms.cmpp.group_ids import GroupIds
from chalicelib.providers.sms.cmpp.messages import Submit, SubmitResp
from chalicelib.providers.sms.cmpp.pace import Pace
from chalicelib.providers.sms.cmpp.session import GROUP_TRIES, CmppSession
from tests.providers.sms.cmpp.calls import LOGIN, OPTIONS, call, number


class FakeTime:
    """A monotonic clock that a sleep moves on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds
        self.pauses.append(seconds)


class Scripted:
    """A scripted gateway.

    It answers with a result, or raises an error. Afterwards it answers 0 with ids that count up.
    """

    def __init__(self, *script: int | ProviderError, rate: float = 0, **options: Any) -> None:
        self.group_ids, self.pace = GroupIds(), Pace(rate)
        self.settings = settings.read(Account("sms1", LOGIN, {**OPTIONS, **options}))
        self.script = list(script)
        self.seen: list[Submit] = []
        self.times: list[float] = []
        self.clock = FakeTime()

    def submit(self, pdu: Submit, until: float, on: Any = None) -> tuple[SubmitResp, Any]:
        self.seen.append(pdu)
        self.times.append(self.clock.now)
        answer = self.script.pop(0) if self.script else 0
        if isinstance(answer, ProviderError):
            raise answer
        return SubmitResp(100 + len(self.seen), answer), self

    def send(
        self, numbers: Sequence[str], text: str = "hello", tries: int = 0
    ) -> Sequence[Outcome]:
        return self._session().send(replace(call(numbers, text), turn=tries)).outcomes

    def _session(self) -> CmppSession:
        return CmppSession(
            self,  # type: ignore[arg-type]
            self.settings,
            5.0,
            clock=self.clock,
            pace=self.pace,
        )


class Slow(Scripted):
    """A scripted gateway whose answers take two seconds each. Callers must wait for them."""

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
    """Each delay uses up an attempt.

    Of ninety-nine numbers, with one taken in each attempt, most would be lost.
    """
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
    """A SUBMIT whose answer is not awaited would be taken without being recorded."""
    gateway = Slow(numbers_per_submit=1)
    outcomes = gateway.send([number(n) for n in range(9)])
    assert [bool(outcome.provider_id) for outcome in outcomes] == [True] * 3 + [False] * 6
    assert all(outcome.later and not outcome.uncertain for outcome in outcomes[3:])
    assert len(gateway.seen) == 3


@pytest.mark.parametrize("result", [9, 13])
def test_a_group_that_is_refused_for_a_number_is_put_off_together(result: int) -> None:
    gateway = Scripted(result)
    outcomes = gateway.send([number(n) for n in range(4)])
    assert outcomes == [Outcome(code=str(result), later=True, together=True)] * 4
    assert len(gateway.seen) == 1


def test_a_group_that_is_refused_leaves_the_other_groups_as_they_are() -> None:
    outcomes = Scripted(0, 13, numbers_per_submit=2).send([number(n) for n in range(6)])
    assert [bool(o.provider_id) for o in outcomes] == [True, True, False, False, True, True]
    assert [o.together for o in outcomes] == [False, False, True, True, False, False]


def test_a_group_that_is_always_throttled_is_halved_and_a_number_alone_waits() -> None:
    with pytest.raises(Throttled):
        Scripted(8).send([number(1), number(2)], tries=GROUP_TRIES - 1)
    outcomes = Scripted(8).send([number(1), number(2)], tries=GROUP_TRIES)
    assert outcomes == [Outcome(code="8", later=True, together=True)] * 2
    with pytest.raises(Throttled):
        Scripted(8).send([number(1)], tries=GROUP_TRIES)


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
