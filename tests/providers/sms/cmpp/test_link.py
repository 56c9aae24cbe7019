"""One connection, without a network and with a clock of the test."""

from __future__ import annotations

import pytest

from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp.link import (
    IDLE,
    PATIENCE,
    TRIES,
    Closed,
    Delivered,
    Opened,
    State,
    Submitted,
)
from chalicelib.providers.sms.cmpp.messages import (
    V2,
    V3,
    Command,
    Connect,
    DeliverResp,
    Plain,
    SubmitResp,
)
from tests.providers.sms.cmpp.link_calls import REPORT, SECRET, TEXT, Gateway, opened


@pytest.mark.parametrize("version", [V2, V3])
def test_both_prove_that_they_know_the_secret(version: int) -> None:
    gateway = Gateway(version)
    ((sequence, hello),) = gateway.read()
    assert hello == Connect(
        "900001", codec.authenticator("900001", SECRET, 1021080510), version, 1021080510
    )
    assert sequence == 1
    assert opened(version).link.state is State.OPEN


def test_a_gateway_that_does_not_know_the_secret_is_left() -> None:
    gateway = Gateway()
    assert gateway.say(gateway.greeting(secret="other"), 1) == [
        Closed("gateway_not_authentic", by_operator=True)
    ]


def test_an_operator_may_let_a_gateway_in_that_proves_nothing() -> None:
    gateway = Gateway(check=False)
    assert gateway.say(gateway.greeting(secret="other"), 1) == [Opened()]


@pytest.mark.parametrize(
    ("status", "by_operator"), [(1, False), (2, True), (3, True), (4, True), (5, False)]
)
def test_a_refused_login_says_whether_an_operator_must_act(status: int, by_operator: bool) -> None:
    gateway = Gateway()
    assert gateway.say(gateway.greeting(status), 1) == [
        Closed(f"connect_{status}", by_operator=by_operator)
    ]


def test_anything_but_a_greeting_ends_the_greeting() -> None:
    assert Gateway().say(SubmitResp(1, 0), 1) == [Closed("no_connect_resp")]


def test_a_gateway_that_does_not_greet_is_left_after_a_while() -> None:
    gateway = Gateway()
    assert list(gateway.link.tick(PATIENCE - 0.1)) == []
    assert list(gateway.link.tick(PATIENCE)) == [Closed("timeout")]


def test_answers_find_their_question_in_any_order() -> None:
    gateway = opened()
    first, second = gateway.link.submit(TEXT, 0.0), gateway.link.submit(TEXT, 0.0)
    assert [sequence for sequence, _ in gateway.read()] == [first, second]
    assert gateway.say(SubmitResp(2, 0), second) == [Submitted(second, SubmitResp(2, 0))]
    assert gateway.say(SubmitResp(1, 8), first) == [Submitted(first, SubmitResp(1, 8))]
    assert gateway.say(SubmitResp(1, 0), first) == []  # repeated, while nobody waits


def test_the_window_holds_sixteen_and_no_more() -> None:
    gateway = opened()
    sequences = [gateway.link.submit(TEXT, 0.0) for _ in range(16)]
    assert gateway.link.free == 0
    with pytest.raises(ValueError, match="window"):
        gateway.link.submit(TEXT, 0.0)
    gateway.say(SubmitResp(1, 0), sequences[3])
    gateway.link.give_up(sequences[4])
    assert gateway.link.free == 2
    assert gateway.say(SubmitResp(1, 0), sequences[4]) == []  # too late


def test_nothing_may_be_sent_before_the_greeting_and_after_the_goodbye() -> None:
    assert Gateway().link.free == 0
    gateway = opened()
    gateway.link.terminate(0.0)
    assert gateway.link.free == 0


def test_what_comes_in_is_answered_with_its_own_sequence_when_its_facts_are_stored() -> None:
    gateway = opened(V3)
    gateway.read()
    assert gateway.say(REPORT, 77) == [Delivered(77, REPORT)]
    assert gateway.read() == []
    gateway.link.answer(77, DeliverResp(5, 0))
    assert gateway.read() == [(77, DeliverResp(5, 0))]


def test_a_report_may_come_before_the_answer_to_its_submit() -> None:
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 0.0)
    assert gateway.say(REPORT, 9) == [Delivered(9, REPORT)]
    assert gateway.say(SubmitResp(5, 0), sequence) == [Submitted(sequence, SubmitResp(5, 0))]


def test_an_active_test_is_answered_at_once() -> None:
    gateway = opened()
    assert gateway.say(Plain(Command.ACTIVE_TEST), 1234) == []
    assert gateway.read() == [(1234, Plain(Command.ACTIVE_TEST_RESP))]


def test_an_idle_connection_is_tested_three_times_and_then_left() -> None:
    gateway = opened()
    assert list(gateway.link.tick(IDLE - 0.1)) == []
    assert gateway.read() == []
    for n in range(TRIES):
        assert list(gateway.link.tick(IDLE + n * PATIENCE)) == []
        assert [body for _, body in gateway.read()] == [Plain(Command.ACTIVE_TEST)]
        assert list(gateway.link.tick(IDLE + n * PATIENCE + PATIENCE - 0.1)) == []
        assert gateway.read() == []
    assert list(gateway.link.tick(IDLE + TRIES * PATIENCE)) == [
        Closed("no_answer_to_active_test", ())
    ]


def test_a_half_open_connection_is_left_80_seconds_after_the_first_submit_without_answer() -> None:
    """Other SUBMITs go on until the first test, and their answers would end the silence."""
    gateway = opened()
    first = gateway.link.submit(TEXT, 0.0)
    other = gateway.link.submit(TEXT, 10.0)
    gateway.read()
    closed, tests = [], []
    for second in range(1, 90):
        closed += [(second, event) for event in gateway.link.tick(float(second))]
        tests += [second for _ in gateway.read()]
    assert tests == [20, 40, 60]
    assert closed == [(80, Closed("no_answer_to_active_test", (first, other)))]


def test_a_silent_connection_without_an_answer_is_tested_before_more_is_sent() -> None:
    """A gateway that has silently gone must not swallow SUBMITs for minutes."""
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 1.0)
    gateway.read()
    gateway.link.give_up(sequence)
    assert list(gateway.link.tick(2.0)) == []
    assert [body for _, body in gateway.read()] == [Plain(Command.ACTIVE_TEST)]
    assert gateway.link.free == 0
    gateway.say(Plain(Command.ACTIVE_TEST_RESP), 2, 2.1)
    assert gateway.link.free == 16


def test_a_connection_on_which_other_answers_come_is_not_doubted() -> None:
    gateway = opened()
    slow, quick = gateway.link.submit(TEXT, 1.0), gateway.link.submit(TEXT, 1.0)
    gateway.read()
    gateway.say(SubmitResp(1, 0), quick, 2.0)
    gateway.link.give_up(slow)
    assert list(gateway.link.tick(61.0)) == []
    assert gateway.read() == []
    assert gateway.link.free == 16


def test_whatever_comes_shows_that_the_connection_lives() -> None:
    gateway = opened()
    list(gateway.link.tick(IDLE))
    gateway.read()
    gateway.say(Plain(Command.ACTIVE_TEST_RESP), 2, IDLE + 1)
    assert list(gateway.link.tick(2 * IDLE)) == []
    assert gateway.read() == []
    list(gateway.link.tick(2 * IDLE + 1))
    assert [body for _, body in gateway.read()] == [Plain(Command.ACTIVE_TEST)]


@pytest.mark.parametrize("version", [V2, V3])
@pytest.mark.parametrize("size", [1, 4])
def test_a_gateway_proves_itself_with_one_byte_of_status_or_with_four(
    version: int, size: int
) -> None:
    gateway = Gateway(version)
    assert gateway.say(gateway.greeting(size=size), 1) == [Opened()]


def test_a_goodbye_is_answered_and_tells_what_was_lost() -> None:
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 0.0)
    gateway.read()
    assert gateway.say(Plain(Command.TERMINATE), 9) == [Closed("", (sequence,))]
    assert gateway.read() == [(9, Plain(Command.TERMINATE_RESP))]


def test_our_goodbye_waits_for_its_answer() -> None:
    gateway = opened()
    gateway.read()
    gateway.link.terminate(5.0)
    ((sequence, goodbye),) = gateway.read()
    assert goodbye == Plain(Command.TERMINATE)
    assert gateway.say(REPORT, 9) == [Delivered(9, REPORT)]  # messages on their way are taken
    assert gateway.say(Plain(Command.TERMINATE_RESP), sequence) == [Closed("")]


def test_a_gateway_that_says_no_goodbye_is_left() -> None:
    gateway = opened()
    gateway.link.terminate(5.0)
    assert list(gateway.link.tick(5.0 + PATIENCE)) == [Closed("")]


def test_a_connection_that_breaks_tells_what_was_lost_once() -> None:
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 0.0)
    assert list(gateway.link.feed(b"", 0.0)) == [Closed("connection_lost", (sequence,))]
    assert list(gateway.link.feed(b"", 0.0)) == []
    assert list(gateway.link.tick(1000.0)) == []
