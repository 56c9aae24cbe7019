"""Fact files have each fact once, on its day, whatever ends, repeats or comes late."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.domain import fact_files as domain
from chalicelib.domain.plans import ChunkId
from tests.simulation.histories import History

HISTORIES, GROUPS = 300, 5
YEAR = 365 * 86400


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_files_of_random_histories_have_each_fact_of_the_ledger_once(group: int) -> None:
    deaths = rewritten = 0
    for seed in range(group, HISTORIES, GROUPS):
        history = History(seed, kept=YEAR)
        history.world.fact_files.is_on = True
        history.happen()
        history.world.spare()
        deaths += history.deaths
        files = history.world.fact_files
        rewritten += sum(number > 1 for number, _ in files.files.values())
        assert Counter(files.rows) == in_the_ledger(history), seed
    assert deaths > HISTORIES / GROUPS / 2
    assert rewritten > HISTORIES / GROUPS / 2


def in_the_ledger(history: History) -> Counter[domain.FactRow]:
    rows = Counter[domain.FactRow]()
    for message in history.messages:
        rows[domain.of_message(message)] += 1
        chunk = history.world.ledger.chunk(ChunkId(message.msgid, 0), message)
        assert chunk is not None
        rows.update(domain.of_chunk(message, chunk))
    return rows


def test_nothing_is_written_or_waits_where_fact_files_are_off() -> None:
    history = History(1)
    history.happen()
    assert history.world.fact_files.files == {}
    assert not [name for name in history.world.log if name.startswith("fact_files")]
