"""Users, and the sets that they are in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import User


class Users(Protocol):
    def get(self, userids: Sequence[str]) -> Mapping[str, User]:
        """Those that exist, as they are now; one batch read per 100."""

    def save(
        self, users: Sequence[User], before: Mapping[str, User] | None = None
    ) -> frozenset[str]:
        """Write each user whose `version` is still the stored one (0: none stored); the userids that somebody else changed meanwhile.

        `before` has the users as they were read: what they lose leaves the sets of tags and contacts with the same transaction.
        """

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        """Take away these users with their tags and contacts; the userids that somebody else changed meanwhile."""

    def walk(self, buckets: range, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        """The next users after a position (`keys.position`; empty: from the start), in order; fewer than `limit` only at the end.

        With a prefix only those whose id begins with it: a request for each bucket, so it is for people who look, not for sending.
        """

    def estimate(self) -> int:
        """About how many users there are, in one request."""


class Audiences(Protocol):
    """Who is in a set: a tag of a scope, a segment, a list (`domain/audiences.py` names them); in the same order as users."""

    def walk(self, sets: Sequence[str], buckets: range, after: str, limit: int) -> Sequence[str]:
        """The next userids of the union after a position, each once, in order; fewer than `limit` only at the end."""

    def holds(self, name: str, userids: Sequence[str]) -> frozenset[str]:
        """Those of the userids that are in the set."""

    def change(self, name: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        """Members of a segment or list. Tags belong to users: `Users.save` keeps their sets."""

    def estimate(self, sets: Sequence[str]) -> int:
        """About how many are in these sets, in one request for each."""

    def tags(self, scope: str, after: str, limit: int) -> Sequence[str]:
        """The next tags of a scope, in order: those that somebody has, or once had."""

    def users_of(self, kind: ChannelType, contact: str) -> Sequence[str]:
        """The userids that have this contact, on whatever scope or label; found by its HMAC."""

    def set_opt_out(
        self, kind: ChannelType, contact: str, channel_keys: Sequence[str], time: int, out: bool
    ) -> None:
        """What was last said of a contact, whether it is a user's or not, for each access channel; an earlier word changes nothing."""

    def opt_outs(
        self, wanted: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, Mapping[str, Mapping[str, int]]]:
        """Contact -> channel key -> since when (ms) it is opted out, or less than 0: in again; by type, consistently.

        One batch read per 100, or, of many contacts, one for all that have ever said something, while these are not too many.
        """
