"""The consumers of streams: the ledger's, which tells which chunks changed, and the messages'.

The template names the streams, and filters them: only inserts that change figures or have
callbacks, only new messages. A stream serves two readers at most, so each serves all purposes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from chalice.app import Blueprint

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.callbacks import Events, News
from chalicelib.domain.messages import Entry
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import figures, interactions
from chalicelib.flow import tally as tally_step
from chalicelib.flow.callbacks import collect

bp = Blueprint(__name__)

T = TypeVar("T")


class Change(NamedTuple):
    """Changes by an item of the ledger.

    `start`: when the hold or review of a large message ended. It is None where no stored count
    changes.
    """

    chunk: ChunkId
    start: int | None
    note: Note | None
    news: News | None
    followed: Events | None


@bp.on_dynamodb_record(stream_arn="ledger")  # type: ignore[untyped-decorator]
def tally(event: Any) -> dict[str, Any]:
    """Hand on new facts: chunks to recount, notes for figures, callbacks and interactions.

    All may be done again.
    """
    return _consume("tally", event, _change, _report)


@bp.on_dynamodb_record(stream_arn="messages")  # type: ignore[untyped-decorator]
def history(event: Any) -> dict[str, Any]:
    """Add new messages to their lists, and hand on notes and callbacks. All may be done again."""
    return _consume("history", event, _added, _add)


def chunk_of(key: Mapping[str, Any]) -> ChunkId:
    """Return the chunk of a key: a partition of the ledger is a chunk."""
    msgid, chunk = keys.split(key["pk"]["S"])
    keys.message_id_bytes(msgid)
    return ChunkId(msgid, int(chunk))


def start_of(image: Mapping[str, Any]) -> int:
    """Return when (ms) the hold or review of a chunk's message ended, 0 without one."""
    return int(image["start"]["N"]) if "start" in image else 0


def _change(record: Mapping[str, Any]) -> Change:
    """Read what an item of the ledger changes. Those of large messages carry `tally`."""
    chunk, image = chunk_of(record["Keys"]), record["NewImage"]
    news, followed = _news(record), wiring.world().traces.followed(image)
    if "tally" in image:
        return Change(chunk, start_of(image), None, news, followed)
    return Change(chunk, None, wiring.world().notes.of_ledger(image), news, followed)


def _news(record: Mapping[str, Any]) -> News | None:
    image = record.get("NewImage", {})
    seconds = record.get("ApproximateCreationDateTime", 0)
    return wiring.world().callbacks.news(image, int(seconds * 1000))


def _report(changes: Sequence[Change]) -> None:
    world = wiring.world()
    counted = {each.chunk: each.start for each in changes if each.start is not None}
    if counted:
        tally_step.changed(world, counted)
    figures.note(world, [each.note for each in changes if each.note is not None])
    collect.collect(world, [each.news for each in changes if each.news is not None])
    interactions.collect(world, [each.followed for each in changes if each.followed is not None])


def _added(record: Mapping[str, Any]) -> tuple[Entry, Note, News | None]:
    world, image = wiring.world(), record["NewImage"]
    return world.messages.entry(image), world.notes.of_message(image), _news(record)


def _add(messages: Sequence[tuple[Entry, Note, News | None]]) -> None:
    world = wiring.world()
    figures.note(world, [note for _, note, _ in messages], [entry for entry, *_ in messages])
    collect.collect(world, [news for *_, news in messages if news is not None])


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
