"""The provider sandbox, to which some deployments send instead of to providers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.sandbox import Simulated


class Sandbox(Protocol):
    """The sandbox that a deployment is attached to."""

    @property
    def url(self) -> str:
        """Its address, empty where the deployment is attached to none."""

    def newest(
        self,
        types: Collection[ChannelType],
        contacts: Collection[str],
        before: int,
        limit: int,
    ) -> Sequence[Simulated]:
        """Return messages numbered below `before` (0: the end), newest first.

        Empty types or contacts stand for all of them. Raises SandboxSilent without an answer.
        """
