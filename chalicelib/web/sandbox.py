"""The inbox of the provider sandbox, which the deployment names by its address."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import ProviderError
from chalicelib.domain.sandbox import SandboxSilent, Screen, Simulated
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http

SECONDS = 5.0  # for an answer


class Sandbox:
    """Implements ports.Sandbox. The egress policy holds for its address, too."""

    def __init__(self, url: str, policy: Policy, http: Http | None = None) -> None:
        self.url, self._http = url, http or Http(policy, SECONDS)

    def newest(
        self,
        types: Collection[ChannelType],
        contacts: Collection[str],
        before: int,
        limit: int,
    ) -> Sequence[Simulated]:
        body = {
            "types": [kind.value for kind in types],
            "contacts": list(contacts),
            "before": before,
            "limit": limit,
        }
        try:
            answer = self._http.request("POST", f"{self.url}/_sandbox/inbox", json=body)
        except ProviderError as error:
            raise SandboxSilent(reason=error.code) from error
        listed: Any = answer.json() if answer.status == 200 else None
        try:
            return [_simulated(raw) for raw in listed["messages"]]
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            raise SandboxSilent(reason=f"HTTP {answer.status}") from error


def _simulated(raw: Mapping[str, Any]) -> Simulated:
    screen = dict(raw["screen"])
    rows = tuple((str(name), str(value)) for name, value in screen.pop("rows"))
    files = tuple(map(str, screen.pop("files")))
    return Simulated(
        int(raw["number"]),
        ChannelType(raw["type"]),
        str(raw["provider"]),
        str(raw["contact"]),
        int(raw["time"]),
        str(raw["provider_id"]),
        Screen(rows=rows, files=files, **{name: str(text) for name, text in screen.items()}),
    )
