"""The messages that a container remembers take a bounded part of its memory."""

from __future__ import annotations

import tracemalloc

import pytest

from chalicelib.aws.remembered import Remembered, size_of
from chalicelib.domain.messages import Message
from tests.builders import a_message

CONTENTS = {
    "text": {"mail": {"subject": "x", "text": "订单" * 40_000}},
    "fields": {"push": {f"name {n}": f"value {n}" for n in range(5000)}},
    "numbers": {"push": {"numbers": [n + 0.5 for n in range(10_000)]}},
}


def large(number: int, of: str = "text") -> Message:
    return a_message("ann", number=number, contents=CONTENTS[of])


def test_the_latest_messages_are_remembered_up_to_their_number() -> None:
    remembered = Remembered(most=3)
    messages = [a_message("ann", number=number) for number in range(1, 6)]
    for message in messages:
        remembered.put(message)
    assert [message.msgid in remembered for message in messages] == [False, False, True, True, True]


def test_large_messages_make_room_for_each_other() -> None:
    messages = [large(number) for number in range(1, 6)]
    remembered = Remembered(room=2 * size_of(messages[0]))
    for message in messages:
        remembered.put(message)
        remembered.put(message)  # a repeat takes no further room
    assert [message.msgid in remembered for message in messages] == [False] * 3 + [True] * 2
    remembered.forget(messages[4].msgid)
    remembered.put(messages[0])
    assert remembered.get(messages[0].msgid) is messages[0]
    assert remembered.get(messages[3].msgid) is messages[3]


def test_the_last_one_stays_whatever_its_size() -> None:
    remembered, message = Remembered(room=1), large(1)
    remembered.put(message)
    assert remembered.get(message.msgid) is message


@pytest.mark.parametrize("of", CONTENTS)
def test_a_size_is_about_the_memory_that_a_message_takes(of: str) -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        copied = {
            code: {
                name: [one + 1 for one in value] if isinstance(value, list) else value + " "
                for name, value in content.items()
            }
            for code, content in CONTENTS[of].items()
        }
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    message = a_message("ann", contents=copied)
    assert taken <= size_of(message) <= 3 * taken
