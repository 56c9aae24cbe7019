"""Callers of routes. Everybody who is refused is a security event."""

from __future__ import annotations

from collections.abc import Mapping

from chalice.app import Request

from chalicelib import observability
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Member
from chalicelib.entrypoints.http import credentials, rights
from chalicelib.entrypoints.http.contract import Auth, Contract
from chalicelib.entrypoints.http.errors import (
    CHANNEL_CLOSED,
    NO_ROLE,
    TOO_MANY_GUESSES,
    UNKNOWN_KEY,
)
from chalicelib.entrypoints.http.guesses import Guesses
from chalicelib.ports import World

Callers = tuple[AccessChannel | None, Member | None]

GUESSES = Guesses()  # that this container knows of
SHOWN = 8  # characters of a key's id in a log line


def authenticate(
    world: World, request: Request, contract: Contract, ids: Mapping[str, str]
) -> Callers:
    """Return the access channel or the member that calls. Raises Refused."""
    auth = contract.auth
    if auth in (Auth.WEBHOOK, Auth.NOBODY):
        return None, None
    key, secret = credentials.basic(request.headers.get("authorization"))
    if auth in (Auth.CHANNEL, Auth.EITHER):
        channel = credentials.access_channel(world, key, secret)
        if channel is not None and not channel.enabled:
            observability.security("login_refused", reason="closed", key=channel.key[:SHOWN])
            raise CHANNEL_CLOSED.refuse("Authorization")
        if channel is not None:
            return channel, None
    member = credentials.member(world, key, secret) if auth in (Auth.ACCESS, Auth.EITHER) else None
    if member is None:
        raise _refuse_login(world, request, key)
    if not rights.may(world, member, contract, request, ids):
        observability.security("role_refused", needs=contract.role, key=member.key[:SHOWN])
        raise NO_ROLE.refuse("Authorization", role=contract.role)
    return None, member


def _refuse_login(world: World, request: Request, key: str) -> Exception:
    """Count and log a refused login. Without credentials nothing was guessed."""
    if not request.headers.get("authorization"):
        observability.security("login_refused", reason="no_credentials")
        return UNKNOWN_KEY.refuse("Authorization")
    seconds = GUESSES.wrong(world, key, source(request))
    if seconds:
        observability.metric("access_refused")
        return TOO_MANY_GUESSES.refuse("Authorization", seconds=seconds)
    # A text that is not a key may be anything, such as a password in the wrong place.
    is_known = bool(key) and credentials.is_known(world, key)
    reason = "wrong_secret" if is_known else "unknown_key"
    observability.security("login_refused", reason=reason, key=key[:SHOWN] if is_known else "")
    return UNKNOWN_KEY.refuse("Authorization")


def source(request: Request) -> str:
    """Return the address from which API Gateway got the request."""
    return str(((request.context or {}).get("identity") or {}).get("sourceIp") or "")
