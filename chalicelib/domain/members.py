"""Members of the management API: people and programs with a key of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen


class Role(StrEnum):
    """The things that a member may do. Every member may read."""

    ADMINISTRATOR = "administrator"  # everything
    OPERATOR = "operator"  # messages, templates, strategies, users
    REVIEWER = "reviewer"  # reviews
    READ_ONLY = "read-only"

    def may(self, needed: Role | None) -> bool:
        """Return whether this role includes the role `needed`. None: nobody has it."""
        return needed is Role.READ_ONLY or (
            needed is not None and self in (Role.ADMINISTRATOR, needed)
        )


@frozen
class Member:
    """A member, by its access key. `roles`: further roles by access channel, which add rights.

    The global keys of a deployment are members too: administrators that no list shows.
    """

    key: str
    name: str
    role: Role
    secret_hash: str = field(repr=False)
    enabled: bool = True
    # language, theme and time_zone, without those that the member has not chosen
    preferences: Mapping[str, str] = field(default_factory=dict)
    version: int = 1
    roles: Mapping[str, Role] = field(default_factory=dict)


MEMBERS = Kind[Member]("access-key", "member", key=lambda member: member.key)
