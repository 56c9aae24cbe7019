"""The analysis of a segment: its size over time."""

from __future__ import annotations

from chalicelib.domain.groups import GROUPS, Family
from chalicelib.flow import segment_counts
from tests.entrypoints.conftest import Api


def test_the_size_over_time_is_shown(configured: Api) -> None:
    fake = configured.fake
    records = fake.records.of(GROUPS[Family.SEGMENT])
    segment = records.get(7)
    assert segment is not None
    path = "segments/7/analysis"
    nothing = configured.admin("GET", path).json
    assert (nothing["sizes"], nothing["messages"]) == ([], [])
    assert nothing["users"]["delivery_rate"] is None
    for _ in range(2):
        for _ in range(2):
            segment_counts.begin(configured.world, segment)
            while (envelope := fake.queues.take()) is not None:
                segment_counts.count(configured.world, envelope.job)
        fake.clock.advance(86_400)
        fake.audiences.change("segment#000007", ["ann"])
    sizes = configured.admin("GET", path).json["sizes"]
    assert [size["users"] for size in sizes] == [0, 1]
    assert sizes[1]["day"] - sizes[0]["day"] == 86_400_000
    assert configured.admin("GET", f"{path}?days=0").status == 400
    assert configured.admin("GET", "segments/99/analysis").status == 404
