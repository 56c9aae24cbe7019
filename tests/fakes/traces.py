"""Traces of users in memory. Their logs are written with the users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.aws.traces import Traces
from chalicelib.domain.callbacks import Events
from chalicelib.domain.traces import Interacted, Log, Logs
from tests.fakes.copies import copy_of
from tests.fakes.secrets import FakeVault
from tests.fakes.steps import Steps
from tests.fakes.users import FakeUsers


class FakeTraces:
    def __init__(self, steps: Steps, users: FakeUsers) -> None:
        self.steps, self.users = steps, users
        self.interacted: dict[tuple[str, str], set[Interacted]] = {}

    def followed(self, image: Mapping[str, Any]) -> Events | None:
        """Read an image as the real one does, which needs no request."""
        return Traces(FakeVault()).followed(image)

    def logs(self, wanted: Sequence[tuple[str, str]]) -> Logs:
        with self.steps.around("traces.logs", write=False):
            return copy_of({n: self.users.logs[n] for n in wanted if n in self.users.logs})

    def logs_between(self, userids: Sequence[str], name: str) -> Mapping[str, Log]:
        with self.steps.around("traces.logs_between", write=False):
            found = {u: self.users.logs[u, name] for u in userids if (u, name) in self.users.logs}
            return copy_of(found)

    def forget_logs(self, userid: str, names: Sequence[str]) -> None:
        with self.steps.around("traces.forget_logs", write=True):
            for name in names:
                self.users.logs.pop((userid, name), None)

    def interact(self, channel_key: str, new: Sequence[tuple[str, Interacted]]) -> None:
        for start in range(0, len(new), 25):
            with self.steps.around("traces.interact", write=True):
                for userid, one in new[start : start + 25]:
                    self.interacted.setdefault((channel_key, userid), set()).add(one)

    def interactions_between(
        self, channel_key: str, userids: Sequence[str]
    ) -> Mapping[str, Sequence[Interacted]]:
        with self.steps.around("traces.interactions_between", write=False):
            return {
                userid: sorted(self.interacted[channel_key, userid])
                for userid in userids
                if (channel_key, userid) in self.interacted
            }

    def forget_interactions(self, channel_key: str, userid: str) -> None:
        with self.steps.around("traces.forget_interactions", write=True):
            self.interacted.pop((channel_key, userid), None)
