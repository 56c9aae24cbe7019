"""`make recount` counts every chunk of a message, whichever walker planned it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.domain.audiences import Audience, AudienceKind
from infra import recount
from infra.local import files
from tests.builders import a_message, a_plan
from tests.fakes.world import FakeWorld


@pytest.fixture
def world() -> Iterator[FakeWorld]:
    world = FakeWorld()
    wiring.use(world.ports)
    yield world
    wiring.use(None)


def test_it_counts_the_chunks_of_every_walker(
    world: FakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    message = a_message("ann", audience=Audience(AudienceKind.EVERYONE, partitions=3))
    world.messages.has(message)
    for chunk, goes_on in (
        (0, False),
        (1, True),
        (2, True),
        (4, False),
        (5, True),
        (8, False),
    ):  # the first walker ends with its first chunk
        world.ledger.put_plan(a_plan(message, chunk, next="001#x" if goes_on else None), message)
    recount.print_counts(message.msgid)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        f"chunk {chunk}" for chunk in (0, 1, 4, 2, 5, 8)
    ]
    assert {at.number for at in world.messages._counts} == {0, 1, 2, 4, 5, 8}
    recount.print_counts(message.msgid)
    assert capsys.readouterr().out.count("as stored") == 6


def test_the_stage_is_the_one_that_the_local_stack_has(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no local stack other is up"):
        recount.local_stack("other", tmp_path)
    (tmp_path / "other").mkdir()
    described = {"emulator_url": "http://127.0.0.1:4566", "stage": "test"}
    files.write(tmp_path / "other" / "stack.json", described)
    assert recount.local_stack("other", tmp_path) == ("http://127.0.0.1:4566", "test")


def test_it_says_so_where_there_is_nothing_to_count(world: FakeWorld) -> None:
    message = a_message("ann", number=2)
    world.messages.has(message)
    for msgid in (message.msgid, "0" * 16):
        with pytest.raises(SystemExit, match="no message"):
            recount.print_counts(msgid)
