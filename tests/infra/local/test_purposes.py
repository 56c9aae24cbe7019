"""The cost of figures and lists, told from other cost by the keys of requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.figures import LINE, Cell
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import days
from chalicelib.flow import figures as step
from infra.bench import figures, prices
from infra.bench.cost import Result
from infra.local import purposes
from infra.local.counts import Counts
from infra.local.units import Used

MSGID = keys.message_id(1_760_000_000_000, bytes(4))


def messages(pk: str, sk: str) -> Used:
    return Used("openums-bench-messages", pk, 1, sk)


def timer(kind: TimerKind) -> Used:
    what = Timer(0, kind, ChunkId(MSGID, 0), Priority.LOW).what
    return Used("openums-bench-due", "3", 1, f"{0:013d}#{what}")


@pytest.mark.parametrize(
    "key",
    [
        step.cell_key(Cell("shop", 7), 0),
        step.cell_key(Cell(MSGID, LINE), 2),
        step.block_key(9),
        (MSGID, keys.join("figures", 1)),
        days.day_key("shop", 3),
        days.span_key("shop", 3),
        ("notes#9", "0011"),
        ("history#shop#2026-11", f"{MSGID}#ab"),
        ("sent#1#20000", "0011"),
        ("segment-messages#1", MSGID),
    ],
)
def test_documents_notes_and_lists_serve_figures(key: tuple[str, str]) -> None:
    assert purposes.is_for_figures(messages(*key))


@pytest.mark.parametrize("key", [(MSGID, "message"), (MSGID, "chunk#000001"), ("export#1", "-")])
def test_messages_and_their_counts_do_not(key: tuple[str, str]) -> None:
    assert not purposes.is_for_figures(messages(*key))
    assert not purposes.is_for_figures(Used("openums-bench-ledger", "notes#9", 1, "figures#1"))


def test_timers_serve_figures_by_their_kind() -> None:
    kinds = {kind for kind in TimerKind if purposes.is_for_figures(timer(kind))}
    assert kinds == {TimerKind.FIGURES, TimerKind.DAY}


def test_a_request_is_shared_out_by_its_items_and_a_query_of_what_is_due_tells_nothing() -> None:
    mixed = [timer(TimerKind.FIGURES), timer(TimerKind.CHECK)]
    assert purposes.share_of_figures(mixed) == 0.5
    assert purposes.share_of_figures([Used("openums-bench-due", "3", 1)]) is None


def test_a_function_that_works_for_figures_by_half_costs_them_a_half() -> None:
    counts = Counts()
    put(counts, "chunks", "notes#1", "x" * 3000)
    put(counts, "chunks", MSGID, "")
    put(counts, "api", MSGID, "")
    for caller in ("chunks", "chunks", "api"):
        counts.aws_request("dynamodb", "PutItem", caller)
    counts.aws_request("sqs", "SendMessageBatch", "chunks")
    for function in ("chunks", "chunks", "api"):
        counts.invocation(function, 1000, failed=False)
    counts.event_source("chunks-2", "receives")
    counts.event_source("app-2", "receives")
    whole = Result(1000, 1.0, counts.read(), log_bytes=3000)
    part = whole.of_figures
    assert part.counts["by_caller"] == {
        "chunks": {"dynamodb": {"PutItem": 1.0}, "sqs": {"SendMessageBatch": 0.5}}
    }
    assert part.aws_requests == 1 + 0.5 + 0.5
    assert part.quantities["DynamoDB write units"] == 3
    assert part.quantities["Lambda requests"] == 1
    assert part.quantities["SQS requests"] == 1
    assert part.log_bytes == 1000
    units = 3 * prices.PER_MILLION["DynamoDB write units"] / 1000
    assert part.dollars["DynamoDB write units"] == pytest.approx(units)
    assert whole.report["figures_requests_per_1000"] == 2.0
    assert figures.part_of({**whole.counts, "figures": {}})["requests"] == {}


def put(counts: Counts, caller: str, pk: str, text: str) -> None:
    item = {"pk": {"S": pk}, "sk": {"S": "-"}, "body": {"S": text}}
    request: dict[str, Any] = {"TableName": "openums-bench-messages", "Item": item}
    counts.dynamodb_units("PutItem", json.dumps(request).encode(), b"{}", caller)
