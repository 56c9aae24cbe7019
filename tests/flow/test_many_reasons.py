"""Codes of a provider may be any texts. Figures of others do not suffer from that."""

from __future__ import annotations

import hashlib
from collections import Counter

from chalicelib.aws.items import pack
from chalicelib.domain.figures import DEPLOYMENT, QUARTER, Cell, Part
from chalicelib.flow import days, figures
from chalicelib.ports import Document
from tests.builders import SHOP
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

MOST = 400 * 1024  # bytes of an item
CELL = Cell(SHOP, START // QUARTER)


def reasons(first: int, number: int = 1000) -> Counter[str]:
    """Return mails that came back, each with the words of its server."""
    words = (
        hashlib.sha512(str(n).encode()).hexdigest()[:100] for n in range(first, first + number)
    )
    return Counter({f"loss|email|mail|bounced:{code}": 1 for code in words})


def lost(document: Document, counts: dict[str, int]) -> int:
    assert len(pack(document.body)) < MOST
    return sum(n for name, n in counts.items() if name.startswith("loss|email|mail|bounced"))


def test_a_cell_and_a_day_stay_small_and_their_losses_keep_their_sums() -> None:
    fake = FakeWorld()
    for number in range(12):
        part = Part((f"part{number}", "-"), 1, {CELL: reasons(number * 1000)}, START)
        figures.add(fake.ports, [part])
    later = Part(("part3", "-"), 2, {CELL: reasons(3000, 400)}, START)
    figures.add(fake.ports, [later])
    for key in (SHOP, DEPLOYMENT):
        (cell,) = fake.figures.between(f"figures#{key}", "0", "9")
        assert lost(cell, dict(cell.body)) == 11_400
        day = days.day_of(fake.ports.limits, START)
        days.fold_day(fake.ports, key, day)
        document = fake.figures.stored[days.day_key(key, day)]
        assert lost(document, dict(document.body["counts"])) == 11_400
