"""States of messages in a list, from what was counted so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations

from chalicelib.domain import figures
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.reports.messages import status_of
from tests.builders import a_message, a_plan

EVERYONE = Audience(AudienceKind.EVERYONE, partitions=2)


def test_a_message_is_finished_when_each_partition_has_come_to_its_end() -> None:
    """Chunks are counted in any order: 0 and 2 are of the first partition, 1 is the other."""
    message = a_message("ann", audience=EVERYONE)
    submitted = (Fact(DeliveryRef(0, "push", 0), FactKind.SUBMITTED, message.accepted),)
    lines = []
    for number, after in ((0, "position"), (1, None), (2, None)):
        plan = replace(a_plan(message, next=after), id=ChunkId(message.msgid, number))
        lines.append(figures.of_line(message, Chunk(plan, reported=submitted)))
    for counted in permutations(lines):
        line = Counter[str]()
        states = []
        for more in counted:
            figures.gain(line, more)
            states.append(status_of(line))
        assert states == ["sending", "sending", "finished"]
