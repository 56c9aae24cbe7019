"""One connection, without a network and with a clock of ours."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp.codec import (
    V2,
    V3,
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Plain,
    Submit,
    SubmitResp,
)
from chalicelib.providers.sms.cmpp.fields import Framer
from chalicelib.providers.sms.cmpp.link import (
    IDLE,
    PATIENCE,
    TRIES,
    Closed,
    Delivered,
    Event,
    Link,
    Login,
    Opened,
    QueryResult,
    State,
    Unreadable,
)

SECRET = "888888"
TEXT = Submit(numbers=("13800138000",), content=b"hi", format=0, account="900001", source="10690")
REPORT = Deliver(id=5, to="10690", number="13800138000", content=bytes(60), is_report=True)


class Gateway:
    """The other end: what a link wrote to it, and how it answers."""

    def __init__(self, version: int = V2, check: bool = True, window: int = 16) -> None:
        self.version = version
        self.link = Link(Login("900001", SECRET, version, check), window)
        self._framer = Framer()
        self.link.connect(0.0, 1021080510)

    def read(self) -> list[tuple[int, codec.Body]]:
        return [codec.decode(frame, self.version) for frame in self._framer.feed(self.link.take())]

    def say(self, body: codec.Body, sequence: int, now: float = 0.0) -> list[Event]:
        return list(self.link.feed(codec.encode(body, sequence, self.version), now))

    def greeting(self, status: int = 0, secret: str = SECRET) -> ConnectResp:
        ((_, hello),) = self.read()
        assert isinstance(hello, Connect)
        size = 4 if self.version == V3 else 1
        return ConnectResp(
            status,
            codec.counter_authenticator(status, size, hello.authenticator, secret),
            self.version,
        )


def opened(version: int = V2, window: int = 16) -> Gateway:
    gateway = Gateway(version, window=window)
    assert gateway.say(gateway.greeting(), 1) == [Opened()]
    return gateway


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
    assert gateway.say(SubmitResp(2, 0), second) == [QueryResult(second, SubmitResp(2, 0))]
    assert gateway.say(SubmitResp(1, 8), first) == [QueryResult(first, SubmitResp(1, 8))]
    assert gateway.say(SubmitResp(1, 0), first) == []  # again, and nobody waits


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
    assert gateway.say(SubmitResp(5, 0), sequence) == [QueryResult(sequence, SubmitResp(5, 0))]


def test_an_active_test_is_answered_at_once() -> None:
    gateway = opened()
    assert gateway.say(Plain(Command.ACTIVE_TEST), 1234) == []
    assert gateway.read() == [(1234, Plain(Command.ACTIVE_TEST_RESP))]


def test_an_idle_connection_is_tested_three_times_and_then_left() -> None:
    gateway = opened()
    waiting = gateway.link.submit(TEXT, 0.0)
    gateway.read()
    assert list(gateway.link.tick(IDLE - 0.1)) == []
    assert gateway.read() == []
    for n in range(TRIES):
        assert list(gateway.link.tick(IDLE + n * PATIENCE)) == []
        assert [body for _, body in gateway.read()] == [Plain(Command.ACTIVE_TEST)]
        assert list(gateway.link.tick(IDLE + n * PATIENCE + PATIENCE - 0.1)) == []
        assert gateway.read() == []
    assert list(gateway.link.tick(IDLE + TRIES * PATIENCE)) == [
        Closed("no_answer_to_active_test", (waiting,))
    ]


def test_a_connection_on_which_an_answer_stayed_away_and_nothing_else_came_is_tested_before_more_is_sent() -> (
    None
):
    """A gateway that is gone without a word must not swallow what is sent for minutes."""
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 1.0)
    gateway.read()
    gateway.link.give_up(sequence)
    assert list(gateway.link.tick(61.0)) == []
    assert [body for _, body in gateway.read()] == [Plain(Command.ACTIVE_TEST)]
    assert gateway.link.free == 0
    gateway.say(Plain(Command.ACTIVE_TEST_RESP), 2, 61.1)
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
    assert gateway.say(REPORT, 9) == [Delivered(9, REPORT)]  # what is still on its way is taken
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


def test_bytes_that_are_no_cmpp_end_the_connection() -> None:
    assert list(opened().link.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n", 0.0)) == [
        Closed("malformed")
    ]


def test_what_came_before_bytes_that_are_no_cmpp_stands() -> None:
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 0.0)
    answer = codec.encode(SubmitResp(1, 0), sequence, V2)
    assert list(gateway.link.feed(answer + bytes(20), 0.0)) == [
        QueryResult(sequence, SubmitResp(1, 0)),
        Closed("malformed"),
    ]


def spoilt(body: codec.Body, sequence: int) -> bytes:
    """A good length around fields that are one byte short."""
    frame = codec.encode(body, sequence, V2)[:-1]
    return len(frame).to_bytes(4, "big") + frame[4:]


def test_a_deliver_that_cannot_be_read_is_refused_so_that_it_does_not_come_for_ever() -> None:
    gateway = opened()
    gateway.read()
    assert list(gateway.link.feed(spoilt(REPORT, 9) + codec.encode(REPORT, 10, V2), 0.0)) == [
        Unreadable(Command.DELIVER),
        Delivered(10, REPORT),
    ]
    assert gateway.read() == [(9, DeliverResp(REPORT.id, 1))]


def test_an_answer_that_cannot_be_read_leaves_its_submit_open() -> None:
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 0.0)
    assert list(gateway.link.feed(spoilt(SubmitResp(1, 0), sequence), 0.0)) == [
        Unreadable(Command.SUBMIT_RESP)
    ]
    assert gateway.link.unanswered == 1


def test_a_greeting_that_cannot_be_read_ends_the_connection() -> None:
    gateway = Gateway()
    assert list(gateway.link.feed(spoilt(gateway.greeting(), 1), 0.0)) == [Closed("malformed")]


def test_a_command_that_we_do_not_know_is_passed_over() -> None:
    assert opened().say(Plain(99), 1) == []


@given(st.lists(st.integers(1, 30), min_size=1), st.permutations(range(6)))
def test_events_are_the_same_however_the_bytes_come(sizes: Iterable[int], order: list[int]) -> None:
    gateway = opened()
    sequences = [gateway.link.submit(TEXT, 0.0) for _ in range(6)]
    stream = b"".join(
        codec.encode(SubmitResp(n, 0), sequences[n], V2) + codec.encode(REPORT, n + 1, V2)
        for n in order
    )
    events, turn, cuts = [], 0, list(sizes)
    while stream:
        size = cuts[turn % len(cuts)]
        events += list(gateway.link.feed(stream[:size], 0.0))
        stream, turn = stream[size:], turn + 1
    assert events == [
        each
        for n in order
        for each in (QueryResult(sequences[n], SubmitResp(n, 0)), Delivered(n + 1, REPORT))
    ]


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_leave_a_link_open_or_closed(data: bytes) -> None:
    link = opened().link
    list(link.feed(data, 0.0))
    assert link.state in (State.OPEN, State.CLOSED)
