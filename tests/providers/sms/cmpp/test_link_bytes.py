"""A connection that receives any bytes, valid or not."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.link import (
    Closed,
    Delivered,
    Event,
    State,
    Submitted,
    Unreadable,
)
from chalicelib.providers.sms.cmpp.messages import (
    V2,
    Command,
    DeliverResp,
    Plain,
    SubmitResp,
)
from tests.providers.sms.cmpp.link_calls import REPORT, TEXT, Gateway, opened


def test_bytes_that_are_no_cmpp_end_the_connection() -> None:
    assert list(opened().link.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n", 0.0)) == [
        Closed("malformed")
    ]


def test_what_came_before_bytes_that_are_no_cmpp_stands() -> None:
    gateway = opened()
    sequence = gateway.link.submit(TEXT, 0.0)
    answer = codec.encode(SubmitResp(1, 0), sequence, V2)
    assert list(gateway.link.feed(answer + bytes(20), 0.0)) == [
        Submitted(sequence, SubmitResp(1, 0)),
        Closed("malformed"),
    ]


def spoilt(body: messages.Body, sequence: int) -> bytes:
    """Return a frame with a valid length whose fields are one byte short."""
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
    expected: list[Event] = []
    for n in order:
        expected += (Submitted(sequences[n], SubmitResp(n, 0)), Delivered(n + 1, REPORT))
    assert events == expected


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_leave_a_link_open_or_closed(data: bytes) -> None:
    link = opened().link
    list(link.feed(data, 0.0))
    assert link.state in (State.OPEN, State.CLOSED)
