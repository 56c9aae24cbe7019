"""Groups, members and the audit log, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.errors import Conflict
from chalicelib.domain.groups import Family, Group
from chalicelib.domain.members import Member, Role
from tests.fakes.settings import part, unchanged
from tests.fakes.steps import Steps


class FakeGroups:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[tuple[Family, int], Group] = {}

    def put(self, group: Group) -> None:
        with self.steps.around("groups.put", write=True):
            if (group.family, group.number) in self.stored:
                raise Conflict("this number is taken")
            self._check_name(group)
            self.stored[group.family, group.number] = group

    def _check_name(self, group: Group) -> None:
        named = [
            g
            for g in self.stored.values()
            if (g.family, g.channel_key, g.name) == (group.family, group.channel_key, group.name)
        ]
        if any(g.number != group.number for g in named):
            raise Conflict("this name is taken")

    def get(self, family: Family, number: int) -> Group | None:
        with self.steps.around("groups.get", write=False):
            return self.stored.get((family, number))

    def update(self, before: Group, after: Group) -> None:
        with self.steps.around("groups.update", write=True):
            unchanged(self.stored.get((after.family, after.number)), after)
            self._check_name(after)
            self.stored[after.family, after.number] = after

    def delete(self, group: Group) -> None:
        with self.steps.around("groups.delete", write=True):
            unchanged(self.stored.get((group.family, group.number)), group)
            del self.stored[group.family, group.number]

    def list(
        self, family: Family, channel_key: str, after: int = 0, limit: int = 0
    ) -> Sequence[Group]:
        with self.steps.around("groups.list", write=False):
            mine = [
                g
                for _, g in sorted(self.stored.items())
                if (g.family, g.channel_key) == (family, channel_key)
            ]
            return part(mine, lambda group: group.number, after, limit)


class FakeMembers:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, Member] = {}
        self.global_keys: dict[str, str] = {}  # access key -> SHA-256 of its secret

    def get(self, key: str) -> Member | None:
        with self.steps.around("members.get", write=False):
            if key in self.global_keys:
                return Member(key, "", Role.ADMINISTRATOR, self.global_keys[key])
            return self.stored.get(key)

    def put(self, member: Member) -> None:
        with self.steps.around("members.put", write=True):
            if member.key in self.stored:
                raise Conflict("this key is taken")
            self.stored[member.key] = member

    def update(self, member: Member) -> None:
        with self.steps.around("members.update", write=True):
            unchanged(self.stored.get(member.key), member)
            self.stored[member.key] = member

    def delete(self, member: Member) -> None:
        with self.steps.around("members.delete", write=True):
            unchanged(self.stored.get(member.key), member)
            del self.stored[member.key]

    def list(self, after: str = "", limit: int = 0) -> Sequence[Member]:
        with self.steps.around("members.list", write=False):
            return part(
                [m for _, m in sorted(self.stored.items())], lambda member: member.key, after, limit
            )


class FakeAudit:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, AuditEntry] = {}

    def write(self, change: AuditEntry) -> None:
        with self.steps.around("audit.write", write=True):
            self.stored.setdefault(change.id, change)

    def list(self, month: str, before: str = "", limit: int = 0) -> Sequence[AuditEntry]:
        with self.steps.around("audit.list", write=False):
            found = [
                c
                for i, c in sorted(self.stored.items(), reverse=True)
                if c.month == month and (not before or i < before)
            ]
            return found[:limit] if limit else found
