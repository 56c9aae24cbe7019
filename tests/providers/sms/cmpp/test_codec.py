"""CMPP's bytes against published ones, and against any bytes.

The vectors are the test data of a public implementation (github.com/bigwhite/gocmpp): account
900001, secret 888888, timestamp 1021080510.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import HEADER, LONGEST, Framer, Malformed
from chalicelib.providers.sms.cmpp.messages import (
    V2,
    V3,
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Plain,
    Report,
    Submit,
    SubmitResp,
)

PROOF = bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16")
SUBMIT = Submit(
    numbers=("13500002696",),
    content="测试gocmpp submit".encode("utf-16-be"),
    format=8,
    account="900001",
    source="900001",
    service="test",
    fee_number="13500002696",
    fee_type="02",
    fee_code="10",
    valid_until="151105131555101+",
)
REPLY = Deliver(
    id=0xB525628000010000, to="900001", number="13412340000", content=b"This is a test MO."
)

VECTORS: list[tuple[int, int, messages.Body, str]] = [
    (
        V2,
        23,
        Connect("900001", PROOF, 0x21, 1021080510),
        "00000027000000010000001739303030303190d00c1d517abd0b4f65f6bcf8535d16213cdc73be",
    ),
    (
        V2,
        23,
        ConnectResp(0, bytes.fromhex("6c0b846e25bab6daa4ed1c466e0f4bd8"), 0x21, 1),
        "0000001e8000000100000017006c0b846e25bab6daa4ed1c466e0f4bd821",
    ),
    (
        V3,
        23,
        ConnectResp(0, bytes.fromhex("7942977274098cf210ab0c16c367bc8d"), 0x30, 4),
        "000000218000000100000017000000007942977274098cf210ab0c16c367bc8d30",
    ),
    (V2, 23, Plain(Command.ACTIVE_TEST), "0000000c0000000800000017"),
    (V2, 23, Plain(Command.ACTIVE_TEST_RESP), "0000000d800000080000001700"),
    (V2, 23, Plain(Command.TERMINATE), "0000000c0000000200000017"),
    (V2, 23, Plain(Command.TERMINATE_RESP), "0000000c8000000200000017"),
    (
        V2,
        23,
        SUBMIT,
        "000000bd00000004000000170000000000000000010101017465737400000000000002313335303030303236"
        "39360000000000000000000000000839303030"
        "303130323130000000003135313130353133313535353130312b000000000000000000000000000000000000"
        "39303030303100000000000000000000000000"
        "0000013133353030303032363936000000000000000000001e6d4b8bd50067006f0063006d00700070002000"
        "7300750062006d006900740000000000000000",
    ),
    (
        V3,
        23,
        SUBMIT,
        "000000e100000004000000170000000000000000010101017465737400000000000002313335303030303236"
        "39360000000000000000000000000000000000"
        "000000000000000839303030303130323130000000003135313130353133313535353130312b000000000000"
        "00000000000000000000000039303030303100"
        "0000000000000000000000000000013133353030303032363936000000000000000000000000000000000000"
        "000000001e6d4b8bd50067006f0063006d0070"
        "00700020007300750062006d006900740000000000000000000000000000000000000000",
    ),
    (V2, 23, SubmitResp(0xB2B9DA8000010000, 0), "000000158000000400000017b2b9da800001000000"),
    (V3, 23, SubmitResp(0xB2B9DA8000010000, 0), "000000188000000400000017b2b9da800001000000000000"),
    (
        V2,
        5,
        REPLY,
        "000000670000000500000005b525628000010000393030303031000000000000000000000000000000000000"
        "00000000000000000000313334313233343030"
        "30300000000000000000000000125468697320697320612074657374204d4f2e0000000000000000",
    ),
    (
        V3,
        1,
        replace(REPLY, id=0xB4C5530000010000),
        "0000007f0000000500000001b4c5530000010000393030303031000000000000000000000000000000000000"
        "00000000000000000000313334313233343030"
        "30300000000000000000000000000000000000000000000000125468697320697320612074657374204d4f2e"
        "00000000000000000000000000000000000000"
        "00",
    ),
    (V2, 5, DeliverResp(0xB525628000010000, 0), "000000158000000500000005b52562800001000000"),
    (V3, 1, DeliverResp(0xB4C5530000010000, 0), "000000188000000500000001b4c553000001000000000000"),
]
REPORT = (
    "b4c553000001000044454c495652443135313131323039353531353131313230393537313334313233343030"
    "30300000000000000000000012345678"
)


@pytest.mark.parametrize(("version", "sequence", "body", "raw"), VECTORS)
def test_published_bytes_are_read_and_written(
    version: int, sequence: int, body: messages.Body, raw: str
) -> None:
    assert codec.encode(body, sequence, version).hex() == raw
    assert codec.decode(bytes.fromhex(raw), version) == (sequence, body)


def test_a_published_report_is_read_and_written() -> None:
    report = Report(
        0xB4C5530000010000, "DELIVRD", "1511120955", "1511120957", "13412340000", 0x12345678
    )
    assert codec.decode_report(bytes.fromhex(REPORT)) == report
    assert codec.encode_report(report, 60).hex() == REPORT


def test_authenticators_are_the_published_ones() -> None:
    assert codec.authenticator("900001", "888888", 1021080510) == PROOF
    assert (
        codec.counter_authenticator(0, 1, PROOF, "888888").hex()
        == "6c0b846e25bab6daa4ed1c466e0f4bd8"
    )
    assert (
        codec.counter_authenticator(0, 4, PROOF, "888888").hex()
        == "7942977274098cf210ab0c16c367bc8d"
    )


def test_a_timestamp_of_january_has_its_zero_in_the_authenticator() -> None:
    assert codec.authenticator("900001", "888888", 101000000) == codec._md5(
        b"900001" + bytes(9) + b"8888880101000000"
    )


@pytest.mark.parametrize("size", [60, 71])
def test_a_report_is_read_by_its_length_in_any_version(size: int) -> None:
    report = Report(7, "UNDELIV", "2611210900", "2611210901", "13800138000", 5)
    assert codec.decode_report(codec.encode_report(report, size)) == report


@pytest.mark.parametrize("size", [0, 59, 61, 70, 72, 140])
def test_a_report_of_another_length_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        codec.decode_report(bytes(size))


def test_a_gateway_may_answer_connect_and_submit_in_its_own_version() -> None:
    assert codec.decode(codec.encode(ConnectResp(3, PROOF, V3), 1, V3), V2)[1] == ConnectResp(
        3, PROOF, V3, 4
    )
    assert codec.decode(codec.encode(SubmitResp(9, 8), 1, V3), V2)[1] == SubmitResp(9, 8)
    assert codec.decode(codec.encode(SubmitResp(9, 8), 1, V2), V3)[1] == SubmitResp(9, 8)


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": ()},
        {"numbers": ("13800138000",) * 100},
        {"numbers": ("1" * 33,)},
        {"content": b"x" * 256},
        {"account": "9000011"},
        {"service": "12345678901"},
        {"source": "1" * 22},
        {"service": "a\0b"},
        {"format": 256},
        {"parts": -1},
    ],
)
def test_what_a_field_cannot_hold_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        codec.encode(replace(SUBMIT, **changes), 1, V3)


def test_as_much_as_the_fields_hold_is_taken() -> None:
    widest = replace(
        SUBMIT,
        numbers=tuple(f"{n:021d}" for n in range(99)),
        content=b"x" * 255,
        account="900001",
        service="1234567890",
    )
    for version in (V2, V3):
        frame = codec.encode(widest, 0xFFFFFFFF, version)
        assert codec.decode(frame, version) == (0xFFFFFFFF, widest)
        assert len(frame) < LONGEST


ASCII_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=6)
NUMBER = st.text("0123456789", min_size=1, max_size=20)
BODIES = st.one_of(
    st.builds(SubmitResp, st.integers(0, 2**64 - 1), st.integers(0, 255)),
    st.builds(DeliverResp, st.integers(0, 2**64 - 1), st.integers(0, 255)),
    st.builds(
        Plain, st.sampled_from([Command.ACTIVE_TEST, Command.TERMINATE, Command.TERMINATE_RESP])
    ),
    st.builds(
        Connect,
        ASCII_TEXT,
        st.binary(min_size=16, max_size=16),
        st.sampled_from([V2, V3]),
        st.integers(0, 1231235959),
    ),
    st.builds(
        Submit,
        numbers=st.lists(NUMBER, min_size=1, max_size=99).map(tuple),
        content=st.binary(max_size=255),
        format=st.integers(0, 255),
        account=ASCII_TEXT,
        source=NUMBER,
        service=ASCII_TEXT,
        has_header=st.booleans(),
        part=st.integers(1, 255),
        parts=st.integers(1, 9),
    ),
    st.builds(
        Deliver,
        id=st.integers(0, 2**64 - 1),
        to=NUMBER,
        number=NUMBER,
        content=st.binary(max_size=255),
        format=st.integers(0, 255),
        is_report=st.booleans(),
        has_header=st.booleans(),
    ),
)


@given(BODIES, st.integers(0, 2**32 - 1), st.sampled_from([V2, V3]))
def test_what_is_written_is_read_back(body: messages.Body, sequence: int, version: int) -> None:
    assert codec.decode(codec.encode(body, sequence, version), version) == (sequence, body)


@given(
    st.lists(BODIES, max_size=8),
    st.sampled_from([V2, V3]),
    st.lists(st.integers(1, 50), min_size=1),
)
def test_however_tcp_splits_and_joins_them_the_same_frames_come_out(
    bodies: list[messages.Body], version: int, sizes: list[int]
) -> None:
    frames = [codec.encode(body, n, version) for n, body in enumerate(bodies)]
    stream, framer, found, turn = b"".join(frames), Framer(), [], 0
    while stream:
        size = sizes[turn % len(sizes)]
        found += framer.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert found == frames


@given(st.binary(max_size=400), st.sampled_from([V2, V3]))
def test_any_bytes_are_frames_or_malformed(data: bytes, version: int) -> None:
    try:
        for frame in Framer().feed(data):
            codec.decode(frame, version)
    except Malformed:
        pass


@given(BODIES, st.data())
def test_a_frame_with_bytes_changed_is_read_or_malformed(
    body: messages.Body, data: st.DataObject
) -> None:
    frame = bytearray(codec.encode(body, 1, V3))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    try:
        for piece in Framer().feed(bytes(frame)):
            codec.decode(piece, V3)
    except Malformed:
        pass


@given(st.binary(min_size=60, max_size=60) | st.binary(min_size=71, max_size=71))
def test_any_report_is_read(content: bytes) -> None:
    assert 0 <= codec.decode_report(content).id < 2**64


def test_a_length_that_cannot_be_ends_the_stream() -> None:
    for length in (0, 11, LONGEST + 1, 0xFFFFFFFF):
        with pytest.raises(Malformed):
            list(Framer().feed(length.to_bytes(4, "big")))
    assert list(Framer().feed((12).to_bytes(4, "big"))) == []


def test_a_command_that_we_do_not_know_is_read_without_its_body() -> None:
    assert codec.decode(HEADER.pack(20, 6, 9) + bytes(8), V3) == (9, Plain(6))


def test_what_is_shown_of_a_message_has_no_number_and_no_content() -> None:
    shown = repr(SUBMIT) + repr(REPLY) + repr(Report(1, "DELIVRD", "", "", "13800138000"))
    assert "138" not in shown
    assert "135" not in shown
    assert "test MO" not in shown
