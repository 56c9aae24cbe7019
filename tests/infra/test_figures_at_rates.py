"""2,000 single sends a second to one access channel: items of figures stay within their limits.

A partition key takes 1,000 write units a second, and an item has at most 400 KB. A send has three
notes: the message, the answer to its call, and a receipt.
"""

from __future__ import annotations

import math
import secrets

from chalicelib.aws import figures
from chalicelib.aws.items import pack
from chalicelib.domain import keys, notes
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import figures as step
from infra.bench.model import KEY_WRITES
from infra.template.functions import STREAM_BATCH
from tests.builders import a_message, a_plan
from tests.fakes.clock import START

RATE, NOTES = 2000, 3
ITEM = 400 * 1024


def notes_of(number: int) -> list[Note]:
    at = START + number // 2
    message = a_message("ann", accepted=at, msgid=keys.message_id(at, secrets.token_bytes(4)))
    plan = a_plan(message)
    ref = DeliveryRef(0, "push", 0)
    kinds = (FactKind.SUBMITTED, FactKind.DELIVERED)
    facts = [Fact(ref, kind, at + 700 * n) for n, kind in enumerate(kinds, 1)]
    chunk = ChunkId(message.msgid, 0)
    return [Note(chunk, message), Note(chunk, plan), *(Note(chunk, (fact,)) for fact in facts)]


def test_the_notes_of_a_second_take_less_than_half_of_what_their_block_may_write() -> None:
    """Each batch of the stream is an item in the block of the moment."""
    sample = [note for number in range(STREAM_BATCH // 4) for note in notes_of(number)]
    (item,) = figures.bundles(sample)
    size = len(item["body"]["B"]) + 100
    units = math.ceil(size / 1024) * RATE * NOTES / len(sample)
    assert units < KEY_WRITES / 2


def test_a_block_has_so_many_messages_as_a_function_counts_in_seconds() -> None:
    assert RATE * notes.BLOCK / 1000 == 30_000


def test_the_part_of_a_block_fits_in_its_item() -> None:
    line = {"planned": 1, "valid": 1, "submitted": 1, "delivered": 1, "ends": 1, "partitions": 1}
    lines = {keys.message_id(START + n, secrets.token_bytes(4)): line for n in range(step.LINES)}
    assert len(pack({"lines": lines})) < ITEM * 3 / 4


def test_a_cell_of_many_channels_and_templates_is_a_few_write_units() -> None:
    stages = ("planned", "valid", "submitted", "delivered", "clicked")
    counts = {f"channel|sms|sms{c}|{stage}": 1234 + c for c in range(10) for stage in stages}
    counts |= {f"loss|sms|sms{c}|delivery_failed:{n}": n for c in range(10) for n in range(10)}
    counts |= {f"latency|sms|sms{c}|{n}": n * c for c in range(10) for n in range(20)}
    counts |= {f"template|{t}|{stage}": 99 + t for t in range(50) for stage in stages}
    assert len(pack(counts)) < 4 * 1024
