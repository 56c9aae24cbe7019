"""The emulator's queues serve quiet message groups before noisy ones, as SQS does."""

from __future__ import annotations

from typing import Any

from infra.local.fair_queues import in_turn

NOW = 100.0


def queued(group: str | None, name: str, *, in_flight: bool = False) -> dict[str, Any]:
    visible, receives = (NOW + 30, 1) if in_flight else (NOW - 1, 0)
    return {"group_id": group, "name": name, "visible_at": visible, "receive_count": receives}


def served(*messages: dict[str, Any]) -> list[str]:
    return [m["name"] for m in in_turn(messages, NOW) if m["visible_at"] <= NOW]


def test_one_group_keeps_its_order() -> None:
    assert served(*(queued("shop", name) for name in "abc")) == ["a", "b", "c"]


def test_a_quiet_group_goes_before_what_a_noisy_one_has_waiting() -> None:
    flood = [queued("flood", name, in_flight=name < "c") for name in "abcdef"]
    assert served(*flood, queued("shop", "x")) == ["x", "c", "d", "e", "f"]


def test_groups_take_turns() -> None:
    flood, shop = ([queued(group, f"{group}{n}") for n in range(3)] for group in ("a", "b"))
    assert served(*flood, *shop) == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_a_delayed_message_that_was_never_received_is_not_in_flight() -> None:
    delayed = {**queued("shop", "d", in_flight=True), "receive_count": 0}
    assert served(delayed, queued("flood", "a"), queued("shop", "x")) == ["a", "x"]


def test_a_message_without_a_group_waits_for_nobody() -> None:
    flood = [queued("flood", name) for name in "abc"]
    assert served(*flood, queued(None, "x"), queued(None, "y"))[:3] == ["a", "x", "y"]
