"""The consumer of the ledger's stream, which tells which chunks changed.

The template names the stream, and filters it: only inserts that count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import tally as tally_step

bp = Blueprint(__name__)


@bp.on_dynamodb_record(stream_arn="ledger")  # type: ignore[untyped-decorator]
def tally(event: Any) -> dict[str, Any]:
    """Report the changed chunks of a batch in one call.

    Lambda reads the batch again from a failed record on. Reporting a chunk again is harmless.
    """
    with observability.unit_of_work(function="tally"):
        chunks: set[ChunkId] = set()
        unread: list[str] = []
        records = event.to_dict()["Records"]
        for record in records:
            try:
                chunks.add(chunk_of(record["dynamodb"]["Keys"]))
            except (KeyError, TypeError, ValueError) as error:
                observability.log.error(
                    "record_unreadable",
                    exc_info=error,
                    extra={"sequence_number": _sequence(record)},
                )
                unread.append(_sequence(record))
        try:
            tally_step.changed(wiring.world(), sorted(chunks))
        except Exception as error:  # logged, and Lambda reads the whole batch again
            observability.log.error("batch_failed", exc_info=error, extra={"chunks": len(chunks)})
            observability.metric("job_failed")
            unread = [_sequence(records[0])]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in unread[:1]]}


def chunk_of(key: Mapping[str, Any]) -> ChunkId:
    """Return the chunk of a key: a partition of the ledger is a chunk."""
    msgid, chunk = keys.split(key["pk"]["S"])
    keys.message_id_bytes(msgid)
    return ChunkId(msgid, int(chunk))


def _sequence(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
