"""The stream of `ledger`: which pages changed. The template filters it (inserts that count) and names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib import observability, wiring
from chalicelib.domain import keys
from chalicelib.domain.plans import PageId
from chalicelib.flow import tally as tally_step

bp = Blueprint(__name__)


@bp.on_dynamodb_record(stream_arn="ledger")  # type: ignore[untyped-decorator]
def tally(event: Any) -> dict[str, Any]:
    """One call for the pages of a batch. What is reported as failed is read again from there on, which repeats nothing that counts."""
    with observability.unit_of_work(function="tally"):
        pages: set[PageId] = set()
        unread: list[str] = []
        records = event.to_dict()["Records"]
        for record in records:
            try:
                pages.add(page_of(record["dynamodb"]["Keys"]))
            except (KeyError, TypeError, ValueError) as error:
                observability.log.error(
                    "record_unreadable",
                    exc_info=error,
                    extra={"sequence_number": _sequence(record)},
                )
                unread.append(_sequence(record))
        try:
            tally_step.changed(wiring.world(), sorted(pages))
        except Exception as error:  # noqa: BLE001 logged, and the whole batch is read again
            observability.log.error("batch_failed", exc_info=error, extra={"pages": len(pages)})
            observability.metric("job_failed")
            unread = [_sequence(records[0])]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in unread[:1]]}


def page_of(key: Mapping[str, Any]) -> PageId:
    """A partition of the ledger is a page."""
    msgid, page = keys.split(key["pk"]["S"])
    keys.message_id_bytes(msgid)
    return PageId(msgid, int(page))


def _sequence(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
