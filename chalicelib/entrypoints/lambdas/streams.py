"""The consumers of streams: the ledger's, which tells which chunks changed, and the messages'.

The template names the streams, and filters them: only inserts that count, only new messages.
Each table's stream has two readers at most, which is what DynamoDB serves well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from chalice.app import Blueprint

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.messages import Entry
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import figures
from chalicelib.flow import tally as tally_step
from chalicelib.ports import World

bp = Blueprint(__name__)

T = TypeVar("T")


class Changed(NamedTuple):
    """A chunk with new facts, and when (ms) the hold of its message ended."""

    chunk: ChunkId
    start: int


@bp.on_dynamodb_record(stream_arn="ledger")  # type: ignore[untyped-decorator]
def tally(event: Any) -> dict[str, Any]:
    """Report the changed chunks of a batch, and note what small messages have gained.

    Both may be done again.
    """
    return _consume(
        "tally",
        event,
        lambda record: _change(wiring.world(), record),
        lambda changes: _changed(wiring.world(), changes),
    )


@bp.on_dynamodb_record(stream_arn="messages")  # type: ignore[untyped-decorator]
def history(event: Any) -> dict[str, Any]:
    """Add the new messages of a batch to their lists, and note them. Both may be done again."""
    return _consume(
        "history",
        event,
        lambda record: _listed(wiring.world(), record["NewImage"]),
        lambda listed: _list(wiring.world(), listed),
    )


def _change(world: World, record: Mapping[str, Any]) -> Changed | Note | None:
    """Read a chunk to recount, or a note of a small message, whose items carry no `tally`."""
    chunk = chunk_of(record["Keys"])
    image = record["NewImage"]
    return Changed(chunk, start_of(image)) if "tally" in image else world.notes.of_ledger(image)


def _changed(world: World, changes: Sequence[Changed | Note | None]) -> None:
    chunks = dict(each for each in changes if isinstance(each, Changed))
    if chunks:
        tally_step.changed(world, chunks)
    figures.note(world, [each for each in changes if isinstance(each, Note)])


def _listed(world: World, image: Mapping[str, Any]) -> tuple[Entry, Note]:
    return world.messages.entry(image), world.notes.of_message(image)


def _list(world: World, listed: Sequence[tuple[Entry, Note]]) -> None:
    world.messages.add_to_lists([entry for entry, _ in listed])
    figures.note(world, [note for _, note in listed])


def chunk_of(key: Mapping[str, Any]) -> ChunkId:
    """Return the chunk of a key: a partition of the ledger is a chunk."""
    msgid, chunk = keys.split(key["pk"]["S"])
    keys.message_id_bytes(msgid)
    return ChunkId(msgid, int(chunk))


def start_of(image: Mapping[str, Any]) -> int:
    """Return the time (ms) at which the hold of a chunk's message ended, 0 without one."""
    return int(image["start"]["N"]) if "start" in image else 0


def _consume(
    function: str,
    event: Any,
    read: Callable[[Mapping[str, Any]], T],
    act: Callable[[Sequence[T]], None],
) -> dict[str, Any]:
    """Read each record, and act on all that are readable at once.

    Lambda reads the batch again from a failed record on.
    """
    with observability.unit_of_work(function=function):
        readable: list[T] = []
        failed: list[str] = []
        records = event.to_dict()["Records"]
        for record in records:
            try:
                readable.append(read(record["dynamodb"]))
            except Exception as error:  # logged, and the others do not wait for it
                extra = {"sequence_number": _sequence(record)}
                observability.log.error("record_unreadable", exc_info=error, extra=extra)
                failed.append(_sequence(record))
        try:
            act(readable)
        except Exception as error:  # logged, and Lambda reads the whole batch again
            size = {"records": len(readable)}
            observability.log.error("batch_failed", exc_info=error, extra=size)
            observability.metric("job_failed")
            failed = [_sequence(records[0])]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed[:1]]}


def _sequence(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
