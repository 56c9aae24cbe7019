"""Files of raw facts, for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from chalicelib.domain.fact_files import FactRow


class FactDraft(Protocol):
    """Rows that gather until their file is put."""

    def add(self, rows: Iterable[FactRow]) -> None: ...
    def put(self, name: str, etag: str) -> bool:
        """Put all rows as the file of this name, in the place of the content with this tag.

        An empty tag: only if there is no such file. Return False if there is another content.
        """


class FactFiles(Protocol):
    """Files in which others read. A file is always whole."""

    @property
    def is_on(self) -> bool:
        """The deployment writes fact files."""

    def etag(self, name: str) -> str:
        """Return a tag that identifies the content, or an empty one if there is no file."""

    def draft(self) -> AbstractContextManager[FactDraft]:
        """Begin a file. Its rows are dropped at the end."""
