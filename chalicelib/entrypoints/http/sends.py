"""Bodies of sends: which schema reads them, now and when a stored one is carried out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.entrypoints.http.bodies import as_written, literals, without_nulls
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import CONTENT_OF_TEMPLATE, PARAMETER, Refused
from chalicelib.flow.requests import SendRequest
from chalicelib.ports import IdempotencyKey, World

if TYPE_CHECKING:
    from chalicelib.domain.stored_requests import StoredRequest, Written
    from chalicelib.flow.schedules import Door

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


def read(
    access: AccessChannel, value: Any, *, broadcast: bool, template: bool = False
) -> tuple[SendRequest, str]:
    """Read the body of a send as a request, and its `sendno`. Raises Refused.

    UMS's own example posts a template message to the path of ordinary ones.
    """
    from chalicelib.entrypoints.http import schemas
    from chalicelib.entrypoints.http.schemas import base

    body = without_nulls(value)
    template = template or (isinstance(body, Mapping) and body.get("template_id", 0) != 0)
    name = f"send.{'Template' if template else 'Ordinary'}{'Broadcast' if broadcast else 'Send'}"
    schema: Any = schemas.load(name)
    body = schema.without_empty(body)
    _check_names(body, broadcast=broadcast, template=template)
    checked: Any = base.validate(schema, body)
    return replace(checked.request(access), body=_kept(body)), checked.option.sendno


def read_any(access: AccessChannel, value: Any) -> SendRequest:
    """Read the body of any send. Without an `aud_…` it is that of a broadcast."""
    body = without_nulls(value)
    names = [name for name in body if isinstance(name, str)] if isinstance(body, Mapping) else []
    broadcast = not any(name.startswith("aud_") for name in names)
    return read(access, body, broadcast=broadcast)[0]


def waiting(request: SendRequest, body: Any, *, broadcast: bool, member: str = "") -> SendRequest:
    """Return the request with what is stored of it if it must wait. `member`: who sends."""
    if request.timing is None and "reviews" not in request.channel.rules:
        return request
    return replace(request, written=written(body, broadcast=broadcast, member=member))


def written(body: Any, *, broadcast: bool, member: str = "") -> Written:
    """Return a body as it is stored, without its schedule, which is kept apart."""
    from chalicelib.domain.rules.reviews import Origin
    from chalicelib.domain.stored_requests import Form, Written

    origin = Origin.CONSOLE if member else Origin.API
    return Written(Form.BROADCAST if broadcast else Form.SEND, _kept(body), origin, member)


def _kept(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without its schedule."""
    option = body.get("option") or {}
    return as_stored(body) | {"option": {k: v for k, v in option.items() if k != "schedule"}}


def as_stored(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body of a send whose numbers are those that were written."""
    return {name: _as_written(name, value) for name, value in body.items()}


def _as_written(name: str, value: Any) -> Any:
    """Return a field with the literals of numbers, which a stored number would lose."""
    if name == "template_para":
        return literals(value)
    if name.startswith("msg_") and isinstance(value, list):
        return [as_written(part) if isinstance(part, dict) else part for part in value]
    return value


def _check_names(body: Any, *, broadcast: bool, template: bool) -> None:
    """Refuse fields of another kind of send, more clearly than as unknown fields."""
    names = [name for name in body if isinstance(name, str)] if isinstance(body, Mapping) else []
    content = next((name[:64] for name in names if name.startswith("msg_")), "")
    if template and content:
        raise CONTENT_OF_TEMPLATE.refuse(content)
    audience = next((name[:64] for name in names if name.startswith("aud_")), "")
    if broadcast and audience:
        raise Refused(
            PARAMETER,
            "a broadcast goes to everyone; to send to an audience, use the path sent",
            "广播发送给所有用户，不能指定目标",
            field=audience,
        )


def idempotency_key(context: RequestContext, channel_key: str, body: Any) -> IdempotencyKey | None:
    """Identify a request: access channel, path and key, with the body whatever its spacing."""
    key = context.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(
            PARAMETER,
            "must be 1 to 255 visible ASCII characters",
            "须为 1 到 255 个可见 ASCII 字符",
            field="Idempotency-Key",
        )
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    # Senders make keys of orders and numbers, and a short body can be guessed: keyed hashes.
    mac = context.world.vault.mac
    digest = mac("once", canonical.encode()).hex()
    name = mac("once", key.encode()).hex()[:32]
    return IdempotencyKey(keys.join("once", channel_key, context.request.path, name), digest)


def body_again(world: World, channel_key: str, msgid: str) -> tuple[dict[str, Any], bool]:
    """Return the body of a message to send again, and if it is a broadcast. Raises NotFound."""
    from chalicelib.domain.audiences import AudienceKind
    from chalicelib.flow import again
    from chalicelib.flow.messages import ending_of, sent_by

    message = sent_by(world, channel_key, msgid)
    ending_of(world, msgid)
    broadcast = message.audience.kind is AudienceKind.EVERYONE
    return again.body_of(world, message), broadcast


# -- stored requests


def door() -> Door:
    """Return how stored requests are read, and their refusals explained."""
    from chalicelib.domain.errors import Invalid, Refusal
    from chalicelib.flow.schedules import Door

    return Door(_read_stored, _explain, (Refusal, Invalid, Refused))


def _read_stored(access: AccessChannel, stored: StoredRequest) -> SendRequest:
    from chalicelib.domain.stored_requests import Form

    broadcast = stored.written.form is Form.BROADCAST
    return read(access, stored.written.body, broadcast=broadcast)[0]


def _explain(error: Exception) -> tuple[int, str]:
    from chalicelib.entrypoints.http.problems import problem

    explained = problem(error)
    return explained.code, explained.errors[0].message
