"""Users and their sets in memory, with DynamoDB's manners.

Records have versions. Reads return copies instead of aliases. Batches may end half-way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain import audiences, contacts, keys
from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.notes import OptOut
from chalicelib.domain.traces import Log, Logs
from chalicelib.domain.users import SUPPRESSED, User
from chalicelib.ports import SuppressedContact
from tests.fakes.copies import copy_of
from tests.fakes.steps import Steps


class FakeUsers:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, User] = {}
        self.opted_out: list[OptOut] = []  # the notes that were written
        self.logs: dict[tuple[str, str], Log] = {}

    def get(self, userids: Sequence[str], *, fresh: bool = True) -> Mapping[str, User]:
        with self.steps.around("users.get", write=False):
            return {u: copy_of(self.stored[u]) for u in dict.fromkeys(userids) if u in self.stored}

    def save(
        self,
        users: Sequence[User],
        before: Mapping[str, User] | None = None,
        logs: Logs | None = None,
        counted: Mapping[str, Sequence[OptOut]] | None = None,
    ) -> frozenset[str]:
        lost = set()
        for batch in (users[start : start + 100] for start in range(0, len(users), 100)):
            with self.steps.around("users.save", write=True):
                for user in batch:
                    stored = self.stored.get(user.userid)
                    if user.version != (stored.version if stored else 0):
                        lost.add(user.userid)
                    else:
                        self.stored[user.userid] = replace(copy_of(user), version=user.version + 1)
                        self.opted_out += (counted or {}).get(user.userid, ())
                        of_user = {n: log for n, log in (logs or {}).items() if n[0] == user.userid}
                        self.logs.update(copy_of(of_user))
        return frozenset(lost)

    def touch(self, userid: str) -> None:
        """Change the version of a user, as somebody else does who was faster."""
        user = self.stored[userid]
        self.stored[userid] = replace(user, version=user.version + 1)

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        with self.steps.around("users.delete", write=True):
            lost = {
                u.userid
                for u in users
                if u.userid not in self.stored or self.stored[u.userid].version != u.version
            }
            for user in users:
                if user.userid not in lost:
                    self.stored.pop(user.userid, None)
            return frozenset(lost)

    def scan(self, buckets: range, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        with self.steps.around("users.scan", write=False):
            following = [
                userid
                for userid in self.stored
                if keys.bucket(userid) in buckets
                and keys.position(userid) > after
                and userid.startswith(prefix)
            ]
            ordered = sorted(following, key=keys.position)[:limit]
            return copy_of([self.stored[userid] for userid in ordered])

    def listed(self, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        with self.steps.around("users.listed", write=False):
            following = sorted(u for u in self.stored if u > after and u.startswith(prefix))
            return copy_of([self.stored[userid] for userid in following[:limit]])

    def estimate(self) -> int:
        return len(self.stored)

    def userids(self, bucket: int, most: int) -> Sequence[str]:
        with self.steps.around("users.userids", write=False):
            return sorted(u for u in self.stored if keys.bucket(u) == bucket)[:most]

    def has(self, *users: User) -> None:
        """Store users, as the set-up of a test."""
        for user in users:
            self.stored[user.userid] = replace(copy_of(user), version=max(1, user.version))


class FakeAudiences:
    """Sets in memory. The users themselves hold tags and contacts."""

    def __init__(self, steps: Steps, users: FakeUsers) -> None:
        self.steps, self.users = steps, users
        self.members: dict[str, set[str]] = {}
        self.opt_out_times: dict[tuple[ChannelType, str], dict[str, int]] = {}

    def scan(self, sets: Sequence[str], buckets: range, after: str, limit: int) -> Sequence[str]:
        with self.steps.around("audiences.scan", write=False):
            members = {userid for name in sets for userid in self._of(name)}
            following = [
                userid
                for userid in members
                if keys.bucket(userid) in buckets and keys.position(userid) > after
            ]
            return sorted(following, key=keys.position)[:limit]

    def _of(self, name: str) -> set[str]:
        tagged = {
            u
            for u, user in self.users.stored.items()
            if name in {audiences.tag(*tag) for tag in user.all_tags}
        }
        return tagged | self.members.get(name, set())

    def holds(self, name: str, userids: Sequence[str]) -> frozenset[str]:
        with self.steps.around("audiences.holds", write=False):
            return frozenset(self._of(name) & set(userids))

    def sets_of(self, userid: str, names: Sequence[str]) -> frozenset[str]:
        with self.steps.around("audiences.sets_of", write=False):
            return frozenset(name for name in names if userid in self._of(name))

    def change(self, name: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        with self.steps.around("audiences.change", write=True):
            self.members[name] = self.members.get(name, set()) - set(remove) | set(add)

    def estimate(self, sets: Sequence[str]) -> int:
        return sum(len(self._of(name)) for name in sets)

    def tags(self, scope: str, after: str, limit: int) -> Sequence[str]:
        with self.steps.around("audiences.tags", write=False):
            tags: set[str] = set()
            for user in self.users.stored.values():
                tags.update(tag for bind, tag in user.all_tags if bind == scope and tag > after)
            return sorted(tags)[:limit]

    def known_tags(self, tags: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        with self.steps.around("audiences.known_tags", write=False):
            known = {tag for user in self.users.stored.values() for tag in user.all_tags}
            return frozenset(known.intersection(tags))

    def users_of(self, channel_type: ChannelType, contact: str) -> Sequence[str]:
        with self.steps.around("audiences.users_of", write=False):
            return sorted(
                u for u, user in self.users.stored.items() if user.spellings(channel_type, contact)
            )

    def set_opt_out(
        self,
        channel_type: ChannelType,
        contact: str,
        channel_keys: Sequence[str],
        time: int,
        out: bool,
        counted: Sequence[OptOut] = (),
    ) -> None:
        name = contacts.identity(channel_type, contact)
        for n, channel_key in enumerate(channel_keys):
            with self.steps.around("audiences.opt", write=True):
                times = self.opt_out_times.setdefault((channel_type, name), {})
                if counted and -time <= times.get(channel_key, 0) <= 0:
                    self.users.opted_out.append(counted[n])
                if abs(times.get(channel_key, 0)) <= time:
                    times[channel_key] = time if out else -time

    def suppressed(self, after: str, limit: int) -> Sequence[SuppressedContact]:
        with self.steps.around("audiences.suppressed", write=False):
            listed = [
                SuppressedContact(keys.join(kind.value, contact), kind, contact, times[SUPPRESSED])
                for (kind, contact), times in self.opt_out_times.items()
                if times.get(SUPPRESSED, 0) > 0
            ]
            return sorted(each for each in listed if each.position > after)[:limit]

    def opt_outs(
        self, contacts_by_type: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, Mapping[str, Mapping[str, int]]]:
        with self.steps.around("audiences.opted", write=False):
            return {
                channel_type: {
                    contact: dict(times)
                    for contact in dict.fromkeys(of_type)
                    if (times := self._times(channel_type, contact)) is not None
                }
                for channel_type, of_type in contacts_by_type.items()
            }

    def _times(self, channel_type: ChannelType, contact: str) -> dict[str, int] | None:
        return self.opt_out_times.get((channel_type, contacts.identity(channel_type, contact)))


class FakeConsents:
    """Consents in memory, by the identity of a contact."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[tuple[ChannelType, str], dict[tuple[str, str], Consent]] = {}

    def agreed(
        self, channel_key: str, purpose: str, named: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, frozenset[str]]:
        with self.steps.around("consents.agreed", write=False):
            return {
                kind: frozenset(
                    contact
                    for contact in of_kind
                    if self.of(kind, contact).get((channel_key, purpose), Consent(False, 0)).given
                )
                for kind, of_kind in named.items()
            }

    def put(
        self, kind: ChannelType, contact: str, channel_key: str, purpose: str, consent: Consent
    ) -> bool:
        with self.steps.around("consents.put", write=True):
            said = self.stored.setdefault(self._key(kind, contact), {})
            before = said.get((channel_key, purpose))
            if before is not None and before.time > consent.time:
                return False
            said[channel_key, purpose] = consent
            return True

    def of(self, kind: ChannelType, contact: str) -> Mapping[tuple[str, str], Consent]:
        return dict(self.stored.get(self._key(kind, contact), {}))

    def delete(self, kind: ChannelType, contact: str) -> None:
        with self.steps.around("consents.delete", write=True):
            self.stored.pop(self._key(kind, contact), None)

    @staticmethod
    def _key(kind: ChannelType, contact: str) -> tuple[ChannelType, str]:
        return kind, contacts.identity(kind, contact)
