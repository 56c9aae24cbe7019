"""Give a message the callback address that its sender names, or the default one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import UnknownCallbackAddress
from chalicelib.domain.rules import callbacks
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.ports import World


def check(world: World, request: SendRequest, resolved: ResolvedSend) -> None:
    """Raise UnknownCallbackAddress for an address that the access channel does not have."""
    of_message(request)


def of_message(request: SendRequest) -> Mapping[str, Any]:
    """Return the callback of a message, with its address where callbacks are used."""
    chosen = callbacks.chosen(request.channel.rules, request.callback)
    if chosen is None:
        raise UnknownCallbackAddress("callback.url", url=request.callback.get("url", ""))
    return chosen
