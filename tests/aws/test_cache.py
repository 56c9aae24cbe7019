"""The cache of settings: full, it drops what ends first, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from chalicelib.aws.cache import Cache, ItemKey, Recipe, Rows
from chalicelib.config import settings
from tests.contracts import emulator

MOST = 4


class Readings:
    """A cache of few readings, a clock, and the keys that were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache, self.now, self.read = (
            Cache(MOST, lambda: self.now, self._rows),
            0.0,
            list[str](),
        )
        self.stored: dict[ItemKey, dict[str, Any]] = {}
        self.requests: list[set[str]] = []
        self.forget_while_reading = False
        for name, value in emulator.environment("http://127.0.0.1").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KMS_KEY", "a-key")

    def get(self, key: str) -> str:
        return self.cache.get(key, self._reading(key))

    def get_item(self, key: str) -> int | None:
        """Get a number that is stored as an item."""

        def value(rows: Rows) -> int | None:
            return int(rows[item]["number"]) if item in rows else None

        item = (key, "-")
        return self.cache.get(
            key, lambda: value(self._rows([item])), lambda _: Recipe([item], value)
        )

    def store(self, key: str, number: object) -> None:
        self.stored[key, "-"] = {"number": number}

    def pass_life(self) -> None:
        self.now += settings().settings_cache
        self.requests.clear()

    def _rows(self, items: Sequence[ItemKey]) -> Rows:
        self.requests.append({pk for pk, _ in items})
        if self.forget_while_reading:
            self.cache.forget()
        return {item: self.stored[item] for item in items if item in self.stored}

    def _reading(self, key: str) -> Callable[[], str]:
        def read() -> str:
            self.read.append(key)
            return f"{key} at {self.now}"

        return read


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readings]:
    settings.cache_clear()
    yield Readings(monkeypatch)
    settings.cache_clear()


def test_a_full_cache_drops_the_reading_that_ends_first(readings: Readings) -> None:
    for key in "abcde":
        readings.get(key)
        readings.now += 1
    for key in "bcde":
        readings.get(key)
    assert readings.read == [*"abcde"]
    readings.get("a")
    readings.get("c")
    assert readings.read == [*"abcdea"]


def test_a_long_list_drops_nothing_that_is_still_good(readings: Readings) -> None:
    for key in "abc":
        readings.get(key)
    for n in range(9):
        readings.cache.add(f"listed{n}", n)
    readings.get("new")
    for key in ("b", "c", "new"):
        readings.get(key)
    assert readings.read == [*"abc", "new"]


def test_a_list_takes_the_place_of_what_has_ended(readings: Readings) -> None:
    for key in "abcd":
        readings.get(key)
    readings.now += settings().settings_cache
    readings.cache.add("listed", "x")
    assert readings.get("listed") == "x"
    assert readings.read == [*"abcd"]


def test_a_reading_is_as_old_as_its_beginning_and_ends_in_time(readings: Readings) -> None:
    assert readings.get("a") == "a at 0.0"
    readings.now += settings().settings_cache - 0.5
    readings.cache.add("b", "listed")
    assert readings.get("a") == "a at 0.0"
    readings.now += 0.5
    assert readings.get("a") == f"a at {readings.now}"
    assert readings.get("b") == "listed"
    readings.cache.forget()
    readings.get("b")
    assert readings.read == ["a", "a", "b"]


def test_readings_that_have_ended_are_read_again_with_one_request(readings: Readings) -> None:
    for number, key in enumerate("abc"):
        readings.store(key, number)
        readings.get_item(key)
    assert readings.requests == [{"a"}, {"b"}, {"c"}]
    readings.pass_life()
    readings.store("b", 7)
    del readings.stored["c", "-"]
    assert [readings.get_item(key) for key in "cba"] == [None, 7, 0]
    assert readings.requests == [{"a", "b", "c"}]


def test_a_reading_that_nobody_used_is_not_read_again(readings: Readings) -> None:
    for key in "abc":
        readings.get_item(key)
    readings.pass_life()
    readings.get_item("a")
    readings.get_item("b")
    readings.pass_life()
    readings.get_item("a")
    assert readings.requests == [{"a", "b"}]


def test_a_reading_alone_and_what_has_not_ended_are_read_alone(readings: Readings) -> None:
    readings.get_item("a")
    readings.now += 1
    readings.get_item("b")
    readings.now += settings().settings_cache - 1
    readings.requests.clear()
    readings.get_item("a")
    readings.get_item("b")
    assert readings.requests == [{"a"}]


def test_what_cannot_be_read_together_does_not_disturb_the_others(readings: Readings) -> None:
    for key in "ab":
        readings.store(key, 1)
        readings.get_item(key)
    readings.pass_life()
    readings.store("b", "no number")
    assert readings.get_item("a") == 1
    with pytest.raises(ValueError, match="no number"):
        readings.get_item("b")


def test_what_was_forgotten_while_it_was_read_again_is_read_anew(readings: Readings) -> None:
    for key in "ab":
        readings.get_item(key)
    readings.pass_life()
    readings.forget_while_reading = True
    readings.get_item("a")
    assert readings.requests == [{"a", "b"}, {"a"}]
