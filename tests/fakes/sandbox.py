"""A provider sandbox in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.sandbox import SandboxSilent, Simulated
from tests.fakes.steps import Steps

URL = "http://127.0.0.1:8000"


@dataclass
class FakeSandbox:
    """A sandbox that a test attaches by its address, and fills."""

    steps: Steps
    url: str = ""
    taken: list[Simulated] = field(default_factory=list)
    is_silent: bool = False

    def newest(
        self, types: Collection[ChannelType], contacts: Collection[str], before: int, limit: int
    ) -> Sequence[Simulated]:
        with self.steps.around("sandbox.newest", write=False):
            if self.is_silent:
                raise SandboxSilent(reason="timeout")
            fitting = [
                each
                for each in sorted(self.taken, key=lambda each: -each.number)
                if (not before or each.number < before)
                and (not types or each.type in types)
                and (not contacts or each.contact in contacts)
            ]
            return fitting[:limit]
