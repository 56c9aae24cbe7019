"""The model of an account's limits: which key is full at which rate, from measured units."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from chalicelib.aws import tables as design
from chalicelib.aws import user_lists
from infra.bench import model
from infra.bench.cost import Result

ROWS = [
    {"table": "openums-bench-ledger", "partition": "0123456789abcdef#000000", "writes": 300.0},
    {"table": "openums-bench-lookups", "partition": "pace#jpush", "writes": 50.0, "reads": 25.0},
    {"table": "openums-bench-due", "partition": "0", "writes": 30.0},
    {"table": "openums-bench-due", "partition": "1", "writes": 10.0},
    {"table": "openums-bench-settings", "partition": "access#key", "reads": 1000.0},
]
COUNTS = {
    "write_units": {"openums-bench-ledger": 400},
    "read_units": {"openums-bench-ledger": 100},
    "lambda": {"api": {"milliseconds": 5000}, "poll": {"milliseconds": 1000}},
}


def test_one_key_is_full_long_before_keys_that_share_the_load() -> None:
    found = {load.family.name: load for load in model.loads(ROWS, 100)}
    assert found["pace#<channel>"].most == 2000  # half a write unit a send, 1,000 a second
    assert found["<shard>"].writes == 0.4 / model.SHARDS
    assert found["<shard>"].most == model.SHARDS * 2500
    assert found["<msgid>#<chunk>"].most == float("inf")
    assert next(iter(found)) == "pace#<channel>"


def test_a_key_that_the_model_does_not_know_is_an_error() -> None:
    with pytest.raises(LookupError, match="new#key"):
        model.loads([{"table": "openums-bench-lookups", "partition": "new#key"}], 1)


def test_new_tables_and_functions_have_limits_of_their_own() -> None:
    result = Result(100, 1.0, COUNTS, 0)
    assert model.tables(result) == {"openums-bench-ledger": 1000}
    assert model.concurrency(result, 2000) == {"api": 100, "poll": 20}


def test_every_key_of_the_design_belongs_to_a_family() -> None:
    """`tables.py` names each key. What it has in angle brackets stands for a value."""
    table = ""
    for line in (design.__doc__ or "").splitlines():
        head = re.match(r"(\w+) — ", line)
        table = head[1] if head else table
        key = re.match(r" {4}(\S+#\S+|<msgid>|imports),? ", line)
        if key and table in ("messages", "audiences", "lookups"):
            partition = key[1].split(",")[0].replace("<msgid>", "0123456789abcdef")
            assert model.family_of(table, partition)


def test_the_index_of_users_has_its_own_keys_which_are_few() -> None:
    row = {"table": "openums-bench-users.ids", "partition": "3", "writes": 100.0}
    (load,) = model.loads([row], 100)
    assert load.family.keys == user_lists.PARTS == 4
    assert load.most == 4 * model.KEY_WRITES


def test_a_key_that_sends_share_is_not_called_saturated() -> None:
    """One write of its own a send is full at 1,000 sends a second."""
    families = {family.name: family for family in model.FAMILIES}
    printed = Console(record=True, width=200, file=io.StringIO())
    own, shared = families["schedules, results, ab-tests"], families["figures#<key>"]
    found = [model.Load(family, 1.0, 0.0) for family in (own, shared)]
    nothing = Result(1, 1.0, {"write_units": {}, "read_units": {}, "lambda": {}}, 0)
    model._show(printed, "plain", 2000, nothing, found)
    lines = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[4:6]]
        for line in printed.export_text().splitlines()
        if line.startswith("│")
    }
    assert lines[f"messages {own.name}"] == ["1,000/s", "SATURATED"]
    assert lines[f"messages {shared.name}"] == ["≥ 1,000/s", "shared"]
