"""What operators configure: read by the steps, written by the management API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.groups import Family, Group
from chalicelib.domain.members import Member
from chalicelib.domain.strategies import Strategy, StrategyEntry
from chalicelib.domain.templates import Template


class Settings(Protocol):
    """What operators configure. Reads may be as old as the settings cache (≤ 10 s); writes are seen at once by their writer."""

    def access_channel(self, key: str) -> AccessChannel | None: ...
    def channel(self, code: str) -> Channel | None: ...
    def template(self, number: int) -> Template | None:
        """The newest version; None for a template that was archived."""

    def template_version(self, number: int, version: int) -> Template | None:
        """That version as it was put, which never changes; also of an archived template."""

    def strategy(self, number: int) -> tuple[str, Strategy] | None:
        """The channel key that it belongs to, and the strategy."""

    def channels(self) -> Sequence[Channel]:
        """All delivery channels."""


class Administration(Settings, Protocol):
    """Settings as operators write them. Puts raise Conflict when the key, code or name is taken; nothing is overwritten unseen.

    Updates and deletes are given what is to be written: its `version` is one more than the stored one must be, else they raise Stale.
    Lists are in the order of their ids; `after` is the last id of the page before, and `limit` 0 means all.
    """

    def forget(self) -> None:
        """Read everything anew from here on: who is about to change something must not see an old version."""

    def next_number(self, kind: str) -> int:
        """A fresh id of a `template`, `strategy`, `channel`, or of a family of groups: small, rising, never given twice."""

    def put_access_channel(self, channel: AccessChannel) -> None: ...
    def update_access_channel(self, before: AccessChannel, after: AccessChannel) -> None:
        """Everything but its authorisations."""

    def authorise(self, key: str, code: str, enabled: bool | None) -> bool:
        """Authorise a delivery channel, switch it, or (None) take the authorisation back; False if the access channel is not there."""

    def put_channel(self, channel: Channel) -> None:
        """Code and name are unique."""

    def update_channel(self, before: Channel, after: Channel) -> None: ...
    def delete_channel(self, channel: Channel) -> None: ...
    def put_template(self, template: Template) -> None:
        """A version; of one that is archived, its end: it stands in no list any more."""

    def template_versions(self, number: int, after: int = 0, limit: int = 0) -> Sequence[Template]:
        """From the first on, the end of an archived one left out."""

    def put_strategy(
        self, number: int, channel_key: str, name: str, strategy: Strategy
    ) -> None: ...
    def strategy_entry(self, number: int) -> StrategyEntry | None: ...
    def update_strategy(self, entry: StrategyEntry) -> None: ...
    def delete_strategy(self, entry: StrategyEntry) -> None: ...
    def access_channels(self, after: str = "", limit: int = 0) -> Sequence[AccessChannel]: ...
    def list_channels(self, after: str = "", limit: int = 0) -> Sequence[Channel]: ...
    def templates(self, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Template]: ...
    def strategies(
        self, channel_key: str, after: int = 0, limit: int = 0
    ) -> Sequence[StrategyEntry]: ...


class Groups(Protocol):
    """Headers of lists, segments and tags; puts, updates, deletes and lists as in Administration."""

    def put(self, group: Group) -> None: ...
    def get(self, family: Family, number: int) -> Group | None: ...
    def update(self, before: Group, after: Group) -> None: ...
    def delete(self, group: Group) -> None: ...
    def list(
        self, family: Family, channel_key: str, after: int = 0, limit: int = 0
    ) -> Sequence[Group]: ...


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

    def write(self, change: AuditEntry) -> None:
        """The same change again is the same entry."""

    def list(self, month: str, before: str = "", limit: int = 0) -> Sequence[AuditEntry]:
        """The newest first, from before that id on."""
