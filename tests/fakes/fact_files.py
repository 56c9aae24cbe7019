"""Fact files in memory. They are off, as in a new deployment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chalicelib.domain.fact_files import FactRow
from tests.fakes.steps import Steps


class FakeFactFiles:
    """Files by name: a number that every change makes larger, and the rows."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.is_on = False
        self.files: dict[str, tuple[int, tuple[FactRow, ...]]] = {}

    def etag(self, name: str) -> str:
        with self.steps.around("fact_files.etag", write=False):
            return str(self.files[name][0]) if name in self.files else ""

    @contextmanager
    def draft(self) -> Iterator[FakeFactDraft]:
        yield FakeFactDraft(self)

    @property
    def rows(self) -> list[FactRow]:
        return [row for _, rows in self.files.values() for row in rows]


class FakeFactDraft:
    def __init__(self, files: FakeFactFiles) -> None:
        self._files, self._rows = files, list[FactRow]()

    def add(self, rows: Iterable[FactRow]) -> None:
        self._rows += rows

    def put(self, name: str, etag: str) -> bool:
        with self._files.steps.around("fact_files.put", write=True):
            number = self._files.files[name][0] if name in self._files.files else 0
            if etag != (str(number) if number else ""):
                return False
            self._files.files[name] = (number + 1, tuple(self._rows))
            return True
