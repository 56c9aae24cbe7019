"""Notes and the timers that count their blocks are written together, in any order."""

from __future__ import annotations

import pytest

from chalicelib.domain import notes
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import Timer, TimerKind, TimersJob
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import figures
from tests.builders import a_message, a_msgid
from tests.fakes.world import FakeWorld


def times(fake: FakeWorld) -> list[int]:
    """Return when blocks are counted, as seconds from now."""
    timers = [timer for timer in fake.timers.waiting() if timer.kind is TimerKind.FIGURES]
    return sorted((timer.at - fake.clock.now()) // 1000 for timer in timers)


def test_a_block_is_counted_after_its_notes_however_long_their_write_takes() -> None:
    fake = FakeWorld()
    message = a_message("ann")
    note = Note(ChunkId(message.msgid, 0), message)
    fake.clock.time = note.block * notes.BLOCK
    fake.meanwhile("notes.add", lambda: fake.clock.advance(600), times=1)
    figures.note(fake.ports, [note])
    assert fake.notes.added == [note]
    assert min(times(fake)) < 0 < max(times(fake)), "the first timer came before the note"


def test_a_block_that_is_noted_soon_has_one_timer() -> None:
    fake = FakeWorld()
    message = a_message("ann")
    fake.clock.time = message.accepted
    for _ in range(2):
        figures.note(fake.ports, [Note(ChunkId(message.msgid, 0), message)])
    assert len(times(fake)) == 1


@pytest.mark.parametrize("is_message", [True, False])
def test_a_message_is_as_young_as_the_end_of_its_hold_or_review(is_message: bool) -> None:
    """Its id was given ten hours before, when its sender asked."""
    fake = FakeWorld()
    asked = fake.clock.now()
    fake.clock.advance(10 * 3600)
    message = a_message("ann", msgid=a_msgid(1, asked), accepted=fake.clock.now())
    at, start = ChunkId(message.msgid, 0), message.retention.start
    note = Note(at, message) if is_message else Note(at, (), start)
    figures.note(fake.ports, [note])
    assert start == message.accepted
    assert max(times(fake)) <= 180


def test_blocks_that_there_is_no_time_for_are_counted_by_a_job_of_their_own() -> None:
    """A block of a busy deployment takes seconds, and those of minutes are due together."""
    fake = FakeWorld()
    now = fake.clock.now()
    blocks = [now // notes.BLOCK - n for n in range(25)]
    timers = [
        Timer(now, TimerKind.FIGURES, ChunkId(str(block), 0), Priority.LOW) for block in blocks
    ]
    for block in blocks:
        message = a_message("ann", accepted=block * notes.BLOCK)
        figures.note(fake.ports, [Note(ChunkId(message.msgid, 0), message)])
    fake.meanwhile("notes.of_block", lambda: fake.clock.advance(7))
    fake.ends = now + 60_000
    left = [*timers]
    for _ in range(25):
        figures.count_blocks(fake.ports, left)
        assert fake.clock.now() < fake.ends
        sent = [envelope.job for envelope in fake.queues.sent]
        fake.queues.sent.clear()
        left = [timer for job in sent if isinstance(job, TimersJob) for timer in job.timers]
        fake.ends = fake.clock.now() + 60_000
    assert left == []
    assert {key for key in fake.figures.stored if key[0].startswith("part#")} == {
        figures.block_key(block) for block in blocks
    }
