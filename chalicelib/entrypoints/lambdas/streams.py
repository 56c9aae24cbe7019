"""The consumers of streams: the ledger's, which tells which chunks changed, and the messages'.

The template names the streams, and filters them: only inserts that count or have callbacks, only
new messages. A stream serves two readers at most, so each of these serves all purposes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chalice.app import Blueprint

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.callbacks import News
from chalicelib.domain.messages import Entry
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import tally as tally_step
from chalicelib.flow.callbacks import collect

bp = Blueprint(__name__)

T = TypeVar("T")


@bp.on_dynamodb_record(stream_arn="ledger")  # type: ignore[untyped-decorator]
def tally(event: Any) -> dict[str, Any]:
    """Report the changed chunks and the callbacks of a batch. Reporting them again is harmless."""
    return _consume("tally", event, _change, _report)


@bp.on_dynamodb_record(stream_arn="messages")  # type: ignore[untyped-decorator]
def history(event: Any) -> dict[str, Any]:
    """Add the new messages of a batch to their lists. Adding a message again is harmless."""
    return _consume(
        "history",
        event,
        lambda record: (wiring.world().messages.entry(record["NewImage"]), _news(record)),
        _add,
    )


def chunk_of(key: Mapping[str, Any]) -> ChunkId:
    """Return the chunk of a key: a partition of the ledger is a chunk."""
    msgid, chunk = keys.split(key["pk"]["S"])
    keys.message_id_bytes(msgid)
    return ChunkId(msgid, int(chunk))


def start_of(image: Mapping[str, Any]) -> int:
    """Return the time (ms) at which the hold of a chunk's message ended, 0 without one."""
    return int(image["start"]["N"]) if "start" in image else 0


def _change(record: Mapping[str, Any]) -> tuple[ChunkId, int | None, News | None]:
    """Read what an item of the ledger changes: its chunk, the start of its message, callbacks.

    The start is None for an item that changes no stored counts.
    """
    chunk, news, image = chunk_of(record["Keys"]), _news(record), record.get("NewImage", {})
    return chunk, (start_of(image) if news is None or "tally" in image else None), news


def _news(record: Mapping[str, Any]) -> News | None:
    image = record.get("NewImage", {})
    seconds = record.get("ApproximateCreationDateTime", 0)
    return wiring.world().callbacks.news(image, int(seconds * 1000))


def _report(changes: Sequence[tuple[ChunkId, int | None, News | None]]) -> None:
    counted = {chunk: start for chunk, start, _ in changes if start is not None}
    tally_step.changed(wiring.world(), counted)
    collect.collect(wiring.world(), [news for *_, news in changes if news is not None])


def _add(messages: Sequence[tuple[Entry, News | None]]) -> None:
    wiring.world().messages.add_to_lists([entry for entry, _ in messages])
    collect.collect(wiring.world(), [news for _, news in messages if news is not None])


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
