"""Lookups of ids of several delivery channels, read together."""

from __future__ import annotations

from chalicelib.ports import Lookup
from tests.contracts.conftest import Container, put_lookups
from tests.contracts.test_lookups import TOMORROW, chunk


def test_ids_of_several_channels_are_found_together(container: Container, unique: str) -> None:
    first, second = Lookup(chunk()), Lookup(chunk(), (1, 0))
    put_lookups(container(), unique, {"1": first}, TOMORROW)
    put_lookups(container(), f"{unique}-other", {"1": second, "2": first}, TOMORROW)
    found = container().lookups.find({unique: ["1", "2"], f"{unique}-other": ["1"]})
    assert found == {(unique, "1"): first, (f"{unique}-other", "1"): second}
    assert container().lookups.find({}) == {}
