"""Users, and the sets that they are in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from chalicelib.domain.callbacks import Events
from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.notes import OptOut
from chalicelib.domain.traces import Interacted, Log, Logs
from chalicelib.domain.users import User


class SuppressedContact(NamedTuple):
    """A contact that the deployment suppresses, since a time (ms)."""

    position: str
    channel_type: ChannelType
    contact: str
    since: int


class Users(Protocol):
    def get(self, userids: Sequence[str], *, fresh: bool = True) -> Mapping[str, User]:
        """Return those of the users that exist, read consistently, one batch read per 100.

        Without `fresh` it costs half. A new user is there all the same, while a change of the last
        second may be missing.
        """

    def save(
        self,
        users: Sequence[User],
        before: Mapping[str, User] | None = None,
        logs: Logs | None = None,
        counted: Mapping[str, Sequence[OptOut]] | None = None,
    ) -> frozenset[str]:
        """Write every user whose `version` is still the stored one (0: not stored).

        Return the userids that were changed meanwhile. `before` has the users as they were read.
        Tags and contacts that a user loses leave their sets in the same transaction. `logs` of
        these users are written in it, too, and notes of opt-outs that `counted` has by userid.
        """

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        """Delete users with their tags and contacts. Return the userids that changed meanwhile."""

    def scan(self, buckets: range, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        """Return the next users after a position (`keys.position`, empty: the start), in order.

        Fewer than `limit` users mean the end. A prefix selects user ids that begin with it.
        """

    def listed(self, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        """Return the next users after a user id, in an order that stays, one request per page.

        With a prefix, they are those whose ids begin with it, in order, with a few requests.
        A user who is new or gone may show a moment later.
        """

    def estimate(self) -> int:
        """Return the approximate number of users, in one request."""

    def userids(self, bucket: int, most: int) -> Sequence[str]:
        """Return the ids of a bucket's users in order, at most `most`, without the users."""


class Audiences(Protocol):
    """Members of sets: a tag of a scope, a segment, a list (`domain/audiences.py` names them).

    Members are in the same order as users.
    """

    def scan(self, sets: Sequence[str], buckets: range, after: str, limit: int) -> Sequence[str]:
        """Return the next different userids of the union after a position, in order.

        Fewer than `limit` userids mean the end.
        """

    def holds(self, name: str, userids: Sequence[str]) -> frozenset[str]:
        """Return those of the userids that are in the set."""

    def sets_of(self, userid: str, names: Sequence[str]) -> frozenset[str]:
        """Return those of the sets that a user id is in, one batch read per 100."""

    def change(self, name: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        """Add and remove members of a segment or list. `Users.save` keeps the sets of tags."""

    def estimate(self, sets: Sequence[str]) -> int:
        """Return the approximate number of members of sets, in one request for each."""

    def tags(self, scope: str, after: str, limit: int) -> Sequence[str]:
        """Return the next tags of a scope, in order: those that a user has, or once had."""

    def known_tags(self, tags: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Return those of the tags (scope, tag) that a user has, or once had.

        One batch read per 100.
        """

    def users_of(self, channel_type: ChannelType, contact: str) -> Sequence[str]:
        """Return the users with a contact, in any scope, label or spelling, in order.

        The HMAC of its identity finds it (`domain/contacts.py`). The cost is one query per spelling
        in which earlier releases may have stored it.
        """

    def set_opt_out(
        self,
        channel_type: ChannelType,
        contact: str,
        channel_keys: Sequence[str],
        time: int,
        out: bool,
        counted: Sequence[OptOut] = (),
    ) -> None:
        """Record an opt-out or opt-in of a contact, in any spelling, for access channels.

        The contact need not be a user's. An older statement than the stored one changes nothing.
        `counted` has the note for each access channel. It is written with an opt-out that is new.
        """

    def suppressed(self, after: str, limit: int) -> Sequence[SuppressedContact]:
        """Return the next contacts that the deployment suppresses, after a position, in any order.

        `set_opt_out` with the key SUPPRESSED keeps the contact itself, sealed. Fewer than `limit`
        contacts mean the end.
        """

    def opt_outs(
        self, contacts_by_type: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, Mapping[str, Mapping[str, int]]]:
        """Return opt-outs by channel type, contact as it is spelt, and channel key, consistently.

        The value is the time (ms) of the opt-out, or below 0 after an opt-in. The cost is one batch
        read per 100 contacts. For many contacts, it is a read of all contacts that ever opted out,
        while these are not too many.
        """


class Traces(Protocol):
    """The last events of users, and their interactions with messages, for 90 days.

    They stand in the order of users. So those of a page of users are read by ranges, one for each
    bucket, and cost what they hold.
    """

    def followed(self, image: Mapping[str, Any]) -> Events | None:
        """Read the facts in a new item of the ledger, or None if its message is not followed."""

    def logs(self, wanted: Sequence[tuple[str, str]]) -> Logs:
        """Return logs by user id and name, read consistently, one batch read per 100."""

    def logs_between(self, userids: Sequence[str], name: str) -> Mapping[str, Log]:
        """Return an event's logs of a page of users, which are in order, by user id."""

    def forget_logs(self, userid: str, names: Sequence[str]) -> None:
        """Delete the logs of a user."""

    def interact(self, channel_key: str, new: Sequence[tuple[str, Interacted]]) -> None:
        """Add interactions of users, one batch write per 25. A repeat changes nothing."""

    def interactions_between(
        self, channel_key: str, userids: Sequence[str]
    ) -> Mapping[str, Sequence[Interacted]]:
        """Return the interactions of a page of users, which are in order, by user id."""

    def forget_interactions(self, channel_key: str, userid: str) -> None:
        """Delete the interactions of a user."""


class Consents(Protocol):
    """Consents of contacts, under the HMAC of a contact's identity."""

    def agreed(
        self, channel_key: str, purpose: str, named: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, frozenset[str]]:
        """Return the contacts that have agreed, as they are spelt, one batch read per 100."""

    def put(
        self, kind: ChannelType, contact: str, channel_key: str, purpose: str, consent: Consent
    ) -> bool:
        """Record a consent, or that it was taken back. Return False if it is out of date."""

    def of(self, kind: ChannelType, contact: str) -> Mapping[tuple[str, str], Consent]:
        """Return all that a contact has said, by channel key and purpose."""

    def delete(self, kind: ChannelType, contact: str) -> None:
        """Forget all that a contact has said."""
