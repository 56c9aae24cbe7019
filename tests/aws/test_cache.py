"""The cache of settings: full, it drops what ends first, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chalicelib.aws.cache import Cache
from chalicelib.config import settings
from tests.contracts import emulator

MOST = 4


class Readings:
    """A cache of few readings, a clock, and the keys that were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache, self.now, self.read = Cache(MOST, lambda: self.now), 0.0, list[str]()
        for name, value in emulator.environment("http://127.0.0.1").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KMS_KEY", "a-key")

    def get(self, key: str) -> str:
        return self.cache.get(key, self._reading(key))

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
