"""The emulator hands over batches when they are full, or when their window has passed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from infra.local import batching

NOW = 1_000_000.0
LEDGER, CALLBACKS = "openums-local-ledger", "openums-local-callbacks"
URL = f"http://127.0.0.1/000000000000/{CALLBACKS}"
SOURCES = {
    f"arn:aws:dynamodb:us-east-1:000000000000:table/{LEDGER}/stream/2026": 5,
    f"arn:aws:sqs:us-east-1:000000000000:{CALLBACKS}": 5,
    f"arn:aws:sqs:us-east-1:000000000000:{CALLBACKS}-dead": 60,
}


class Service:
    """The records and messages that MiniStack has, `ages` seconds old."""

    def __init__(self, ages: list[float]) -> None:
        self.records = [{"dynamodb": {"ApproximateCreationDateTime": NOW - age}} for age in ages]
        messages = [{"visible_at": NOW - age, "sent_at": NOW} for age in ages]
        self._queues = {URL: {"messages": messages}}
        mappings = [
            ("", "", {"EventSourceArn": arn, "MaximumBatchingWindowInSeconds": window})
            for arn, window in SOURCES.items()
        ]
        batching.apply(SimpleNamespace(_iter_all_esms=lambda: mappings), self, self, lambda: NOW)

    def stream_records_since(self, table: str, position: int, size: int) -> list[Any]:
        return self.records[position : position + size]

    def _receive_messages_for_esm(self, url: str, size: int) -> list[Any]:
        visible = [m for m in self._queues[url]["messages"] if m["visible_at"] <= NOW]
        return visible[:size]

    def batches(self, size: int) -> tuple[int, int]:
        """Return how many records and how many messages are handed over."""
        records = self.stream_records_since(LEDGER, 0, size)
        return len(records), len(self._receive_messages_for_esm(URL, size))


@pytest.mark.parametrize(
    ("ages", "size", "handed_over"),
    [
        ([], 10, 0),
        ([1.0, 0.5], 10, 0),  # the window goes on
        ([6.0, 0.5], 10, 2),  # the first one has waited for its whole window
        ([1.0, 0.5, 0.1], 2, 2),  # a full batch does not wait
    ],
)
def test_a_batch_waits_until_it_is_full_or_its_window_has_passed(
    ages: list[float], size: int, handed_over: int
) -> None:
    assert Service(ages).batches(size) == (handed_over, handed_over)


def test_a_message_gathers_from_the_moment_at_which_it_may_be_received() -> None:
    waits_and_is_delayed = Service([1.0, -30.0])
    assert waits_and_is_delayed._receive_messages_for_esm(URL, 2) == []
    assert len(Service([6.0, -30.0])._receive_messages_for_esm(URL, 2)) == 1


def test_a_source_without_a_window_is_handed_over_at_once() -> None:
    service = Service([0.1])
    assert len(service.stream_records_since("openums-local-messages", 0, 10)) == 1
