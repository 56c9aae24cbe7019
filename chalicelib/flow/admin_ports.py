"""What only the management API needs from the world, besides the settings of ports.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.audits import Change
from chalicelib.domain.groups import Family, Group
from chalicelib.domain.members import Member


class Groups(Protocol):
    """Headers of lists, segments and tags; puts, updates, deletes and lists as in Administration."""

    def put(self, group: Group) -> None: ...
    def get(self, family: Family, number: int) -> Group | None: ...
    def update(self, before: Group, after: Group) -> None: ...
    def delete(self, group: Group) -> None: ...
    def list(self, family: Family, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Group]: ...


class Members(Protocol):
    """Who may use the management API; puts, updates, deletes and lists as in Administration."""

    def get(self, key: str) -> Member | None:
        """As old as the settings cache. The global keys of a deployment are administrators."""

    def put(self, member: Member) -> None: ...
    def update(self, member: Member) -> None: ...
    def delete(self, member: Member) -> None: ...
    def list(self, after: str = "", limit: int = 0) -> Sequence[Member]:
        """Without the global keys."""


class Audit(Protocol):
    """The log of changes, by months."""

    def write(self, change: Change) -> None:
        """The same change again is the same entry."""

    def list(self, month: str, before: str = "", limit: int = 0) -> Sequence[Change]:
        """The newest first, from before that id on."""
