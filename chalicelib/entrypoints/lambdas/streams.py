"""The consumers of streams: the ledger's, which tells which chunks changed, and the messages'.

The template names the streams, and filters them: only inserts that count, only new messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chalice.app import Blueprint

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import tally as tally_step

bp = Blueprint(__name__)

T = TypeVar("T")


@bp.on_dynamodb_record(stream_arn="ledger")  # type: ignore[untyped-decorator]
def tally(event: Any) -> dict[str, Any]:
    """Report the changed chunks of a batch in one call. Reporting a chunk again is harmless."""
    return _consume(
        "tally",
        event,
        lambda record: (chunk_of(record["Keys"]), start_of(record.get("NewImage", {}))),
        lambda changes: tally_step.changed(wiring.world(), dict(changes)),
    )


@bp.on_dynamodb_record(stream_arn="messages")  # type: ignore[untyped-decorator]
def history(event: Any) -> dict[str, Any]:
    """Add the new messages of a batch to their lists. Adding a message again is harmless."""
    return _consume(
        "history",
        event,
        lambda record: wiring.world().messages.entry(record["NewImage"]),
        lambda entries: wiring.world().messages.add_to_lists(entries),
    )


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
