"""Fact files: whole, put only in the place of the content that was expected, read by others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from chalicelib import config
from chalicelib.domain.fact_files import FactRow, of_chunk, of_message
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Entrants
from chalicelib.ports import World
from tests.builders import a_plan, a_reachable_user, a_strategy
from tests.contracts.conftest import a_message
from tests.contracts.emulator import FACTS_BUCKET
from tests.contracts.messages import image_of
from tests.contracts.test_figures import stored_images

ROW = FactRow("shop", "m1", None, 1_794_000_000_123, "message", 1_794_000_000_001)
ODD = ROW._replace(template=7, target='u"1\n\\N,用户\ud800', chunk=0, number=499, code="")


@pytest.fixture(autouse=True)
def on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Turn fact files on, for the adapters that are built after this."""
    monkeypatch.setenv("FACTS_BUCKET", FACTS_BUCKET)
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()


def put(world: World, name: str, etag: str, *rows: FactRow) -> bool:
    with world.fact_files.draft() as draft:
        draft.add(rows)
        return draft.put(name, etag)


def test_a_file_is_put_only_in_the_place_of_the_content_that_was_expected(
    world: World, unique: str
) -> None:
    assert world.fact_files.etag(unique) == ""
    assert put(world, unique, "", ROW)
    assert not put(world, unique, "", ODD)
    first = world.fact_files.etag(unique)
    assert first
    assert put(world, unique, first, ROW, ODD)
    assert not put(world, unique, first, ROW)
    assert world.fact_files.etag(unique) not in ("", first)


@pytest.mark.usefixtures("real")
def test_another_reader_finds_types_times_and_texts(
    aws: Callable[[str], Any], unique: str, tmp_path: Path
) -> None:
    """Arrow reads what DuckDB has written."""
    from chalicelib import wiring

    assert put(wiring.world(), unique, "", ROW, ODD)
    aws("s3").download_file(FACTS_BUCKET, unique, str(tmp_path / "rows.parquet"))
    table = pyarrow.parquet.read_table(tmp_path / "rows.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert list(types) == list(FactRow._fields)
    assert (types["sent"], types["chunk"], types["target"]) == ("timestamp[us]", "int32", "string")
    plain, odd = table.to_pylist()
    assert plain["sent"].isoformat() == "2026-11-06T21:20:00.123000"
    assert (plain["template"], plain["target"], plain["code"]) == (None, None, None)
    assert (odd["template"], odd["number"], odd["code"]) == (7, 499, "")
    assert odd["target"] == 'u"1\n\\N,用户?'


def noted(world: World, message: Message) -> list[FactRow]:
    """Return the rows of a small message, by what its notes say."""
    from chalicelib.domain import notes

    block = notes.gathered(world.notes.of_block(notes.block_of(message.msgid)))
    (held,) = [each for each in block.messages if each.message.msgid == message.msgid]
    return [
        of_message(held.message),
        *(row for chunk in held.chunks for row in of_chunk(held.message, chunk)),
    ]


def test_rows_of_notes_are_those_of_the_ledger(
    real: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = a_message("ann", "zoe", strategy=a_strategy("app", "sms"), template=(7, 2))
    plan = a_plan(message, users=[a_reachable_user("ann")])
    real.messages.create(message, plan, None)
    refused = {(0, "text"): "capped"}
    real.ledger.put_plan(plan, message)
    real.ledger.freeze(plan.id, Entrants(1, 0, (0,), message.accepted, refused), message)
    fact = Fact(DeliveryRef(0, "push", 0), FactKind.SUBMITTED, message.accepted + 7, "", "call")
    real.ledger.add(plan.id, [fact], message)
    items = [image_of(real, message.msgid), *stored_images(plan.id)]
    real.notes.add([real.notes.of_message(items[0])])
    real.notes.add([n for n in map(real.notes.of_ledger, items[1:]) if n])
    chunk = real.ledger.chunk(plan.id, message)
    assert chunk is not None
    rows = [of_message(message), *of_chunk(message, chunk)]
    assert noted(real, message) == rows
    assert {"ann", "zoe"} <= {row.target for row in rows}
    assert "capped" in {row.code for row in rows}
    monkeypatch.setenv("FACTS_BUCKET", "")
    config.settings.cache_clear()
    other = real.notes.of_message(items[0]).value
    assert isinstance(other, Message)
    assert {target.id for target in other.plan.targets if other.plan} == {""}
