"""The page of callbacks has every type with an example that the code writes so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from chalicelib import wiring
from chalicelib.domain.callbacks import BATCH, DELAYS, JITTER, OF_FACTS, CallbackType, Record
from chalicelib.domain.facts import FactKind
from chalicelib.domain.rules.callbacks import MAX_ADDRESSES, Auth, Retries
from chalicelib.entrypoints.http.schemas.callbacks import AddressBody, CallbacksChange
from chalicelib.flow.callbacks.replay import SETTLED
from chalicelib.web import callback_format
from chalicelib.web.callback_format import CORPORATIONS, ERRORS, SENDERS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "callbacks.md").read_text()
TYPES = PAGE.split("## Types")[1].split("## Fields")[0]
FIELDS = PAGE.split("## Fields")[1].split("## Examples")[0]
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)]


def test_the_table_has_every_type_with_its_facts_and_its_code() -> None:
    rows = re.findall(r"^\| (\d) \| [^|]+ \| ([^|]*)\| ?(\d*) ?\|$", TYPES, re.MULTILINE)
    told = {int(number): (re.findall(r"`(\w+)`", facts), code) for number, facts, code in rows}
    assert told == {
        kind.value: (
            [fact.value for fact in OF_FACTS if OF_FACTS[fact] is kind],
            str(ERRORS.get(kind, "")),
        )
        for kind in CallbackType
    }


def test_the_facts_that_are_not_reported_are_named() -> None:
    (sentence,) = re.findall(
        r"^Facts that UMS has no type for are not reported: (.*)$", TYPES, re.M
    )
    assert set(re.findall(r"`(\w+)`", sentence)) == {
        kind.value for kind in FactKind if kind not in OF_FACTS
    }


def record_of(example: dict[str, Any]) -> Record:
    """Return the record that an example shows."""
    by_numbers = {(SENDERS[kind], CORPORATIONS.get(kind)): kind for kind in SENDERS}
    sender = (example["sender"], example.get("wechatwk_sender"))
    return Record(
        CallbackType(example["type"]),
        example["channelkey"],
        example["msgid"],
        example["userid"],
        example.get("sender_id", ""),
        by_numbers.get(sender),
        example["sent_time"] * 1000,
        example.get("error", {}).get("message", ""),
        example.get("params", {}),
    )


def test_every_type_has_an_example_that_the_code_writes() -> None:
    assert [example["type"] for example in EXAMPLES] == list(range(9))
    for example in EXAMPLES:
        assert json.loads(callback_format.body([record_of(example)])) == [example]


def test_the_table_of_fields_has_those_of_the_examples_and_no_others() -> None:
    told = re.findall(r"^\| `(\w+)` \| (int|text|object) \|", FIELDS, re.MULTILINE)
    kinds = {"int": int, "text": str, "object": dict}
    for example in EXAMPLES:
        for name, value in example.items():
            assert isinstance(value, kinds[dict(told)[name]]), name
    assert {name for name, _ in told} == {name for example in EXAMPLES for name in example}


def test_the_numbers_of_channels_are_told() -> None:
    (senders,) = re.findall(r"^\| `sender` \| int \| (.*) \|$", FIELDS, re.MULTILINE)
    assert {int(number) for number in re.findall(r"\d+", senders)} == {0, *SENDERS.values()}


def test_the_schedules_and_limits_are_those_of_the_code() -> None:
    seconds = {"s": 1, "min": 60, "h": 3600}
    (long,) = re.findall(r"^\| `long` \| (.*) \|$", PAGE, re.MULTILINE)
    steps = re.findall(r"(\d+) (s|min|h)\b", long)
    assert tuple(int(n) * seconds[unit] for n, unit in steps) == DELAYS[Retries.LONG]
    assert f"up to {JITTER:.0%}".replace("%", " %") in long
    (ums,) = re.findall(
        r"^\| `ums` \| (\d) more tries, (\d+) seconds apart \|$", PAGE, re.MULTILINE
    )
    assert (int(ums[1]),) * int(ums[0]) == DELAYS[Retries.UMS]
    assert f"up to {BATCH} records" in PAGE
    assert f"An answer has {wiring.CALLBACK_SECONDS:.0f} seconds" in PAGE
    assert MAX_ADDRESSES == 5
    assert "Five at most" in PAGE
    assert SETTLED == 60
    assert {*Auth} == set(re.findall(r"^\| `(basic|signature|both)` \|", PAGE, re.MULTILINE))


def test_the_bodies_of_the_guide_are_valid() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "receive-callbacks.md").read_text()
    bodies = [json.loads(text) for text in re.findall(r"-d '(\{[^']*\})'", guide)]
    AddressBody.model_validate(bodies[0])
    CallbacksChange.model_validate(bodies[1])
