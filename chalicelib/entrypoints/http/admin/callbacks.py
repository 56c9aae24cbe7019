"""Callbacks of access channels: the addresses that get them, their batches, and replays."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain import keys
from chalicelib.domain.callbacks import Batch
from chalicelib.domain.errors import NotFound
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin import provider_query as checks
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import JSON
from chalicelib.flow import provider_query

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.callbacks import (
        AddressBody,
        AddressChange,
        BatchesQuery,
        CallbacksChange,
        Replay,
        SigningRotation,
    )
    from chalicelib.manage.callbacks import Configured

bp = Blueprint(__name__)

_OF = "access-channels/{key}/callbacks"
_ADDRESS = f"{_OF}/addresses/{{id}}"
_BATCHES = f"{_OF}/batches"
LAST = "v" * 16  # above every id


@admin(bp, _OF, "GET", response="callbacks.Callbacks", role=Role.READ_ONLY)
def get_callbacks(context: RequestContext, key: str) -> Response:
    """Get the callbacks of an access channel."""
    from chalicelib.manage import callbacks

    return _shown(key, callbacks.get(context.world, known_key(key)))


@admin(
    bp,
    _OF,
    "PATCH",
    request="callbacks.CallbacksChange",
    response="callbacks.Callbacks",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def change_callbacks(context: RequestContext, key: str) -> Response:
    """Switch callbacks on or off, choose their states, or the default address."""
    from chalicelib.manage import callbacks

    body: CallbacksChange = context.body()
    changes = body.changes()
    if "states" in changes:
        changes["states"] = tuple(sorted(set(changes["states"])))
    return _shown(key, callbacks.change(context.world, known_key(key), expected(context), changes))


@admin(
    bp,
    f"{_OF}/addresses",
    "POST",
    request="callbacks.AddressBody",
    response="callbacks.NewAddress",
    status=201,
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def add_address(context: RequestContext, key: str) -> Response:
    """Add a callback address. Its signing secret is shown only once. The first is the default."""
    from chalicelib.manage import callbacks

    body: AddressBody = context.body()
    configured, address, signing = callbacks.add(
        context.world, known_key(key), expected_if_given(context), body.model_dump()
    )
    return _shown(key, configured, 201, id=address.id, signing_secret=signing)


@admin(
    bp,
    _ADDRESS,
    "PATCH",
    request="callbacks.AddressChange",
    response="callbacks.Callbacks",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def change_address(context: RequestContext, key: str, id: str) -> Response:
    """Change a callback address, pause it, or resume it.

    What is held while it is paused is delivered after it is resumed.
    """
    from chalicelib.manage import callbacks

    body: AddressChange = context.body()
    return _shown(
        key,
        callbacks.change_address(
            context.world, known_key(key), expected(context), _known_id(id), body.changes()
        ),
    )


@admin(
    bp,
    _ADDRESS,
    "DELETE",
    response="callbacks.Callbacks",
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def delete_address(context: RequestContext, key: str, id: str) -> Response:
    """Delete a callback address. The default cannot be deleted.

    Messages that named it report to the default address.
    """
    from chalicelib.manage import callbacks

    version = expected_if_given(context)
    return _shown(key, callbacks.delete(context.world, known_key(key), version, _known_id(id)))


@admin(
    bp,
    f"{_ADDRESS}/secret",
    "POST",
    request="callbacks.SigningRotation",
    response="callbacks.NewAddress",
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def rotate_signing_secret(context: RequestContext, key: str, id: str) -> Response:
    """Create a new signing secret. It is shown only once.

    For another `grace` seconds callbacks have a signature of the old secret too.
    """
    from chalicelib.manage import callbacks

    body: SigningRotation = context.body()
    configured, signing = callbacks.rotate(
        context.world, known_key(key), expected_if_given(context), _known_id(id), body.grace
    )
    return _shown(key, configured, id=id, signing_secret=signing)


@admin(
    bp,
    f"{_ADDRESS}/test",
    "POST",
    response="provider_query.Check",
    also=(202,),
    role=Role.READ_ONLY,
)
def check_address(context: RequestContext, key: str, id: str) -> Response:
    """Test a callback address with an `echostr`. 202 means that it is slow.

    After a 202, get the result by its `check_id`.
    """
    from chalicelib.manage import callbacks

    check_id = callbacks.test(context.world, known_key(key), _known_id(id))
    return checks.shown(check_id, provider_query.wait(context.world, check_id))


@admin(
    bp,
    _BATCHES,
    "GET",
    query="callbacks.BatchesQuery",
    response="callbacks.CallbackBatches",
    role=Role.READ_ONLY,
)
def list_callback_batches(context: RequestContext, key: str) -> dict[str, Any]:
    """List the batches of callbacks with the attempts to deliver them, in the order of time."""
    from chalicelib.manage import callbacks

    query: BatchesQuery = context.query()
    known_key(key)
    begin = keys.message_id(query.since, bytes(4))
    end = LAST if query.until is None else keys.message_id(query.until, bytes(4))
    is_newest_first = query.order == "newest"

    def read(after: str, limit: int) -> Sequence[Batch]:
        since, until = (
            (begin, min(after or end, end)) if is_newest_first else (max(after, begin), end)
        )
        return callbacks.page(context.world, key, since, until, limit, newest_first=is_newest_first)

    return cursors.page(
        "batches", context, cursors.time_ordered_id, read, lambda batch: batch.id, _batch
    )


@admin(
    bp,
    f"{_BATCHES}/{{id}}",
    "GET",
    response="callbacks.CallbackBatchWithRecords",
    role=Role.ADMINISTRATOR,
)
def get_callback_batch(context: RequestContext, key: str, id: str) -> dict[str, Any]:
    """Get a batch of callbacks with its records, which may name contacts.

    The audit log has an entry of it.
    """
    from chalicelib.manage import callbacks

    try:
        keys.message_id_bytes(id)
    except ValueError:
        raise NotFound("batch") from None
    batch = callbacks.batch(context.world, known_key(key), id)
    return {**_batch(batch), "body": json.loads(batch.body)}


@admin(
    bp,
    f"{_OF}/replay",
    "POST",
    request="callbacks.Replay",
    response="callbacks.Replaying",
    status=202,
    role=Role.ADMINISTRATOR,
)
def replay_callbacks(context: RequestContext, key: str) -> Response:
    """Deliver the callbacks of a time range again."""
    from chalicelib.manage import callbacks

    body: Replay = context.body()
    callbacks.start_replay(
        context.world, known_key(key), body.since, body.until, body.states, body.address or ""
    )
    return Response({"status": "started"}, dict(JSON), 202)


def _known_id(id: str) -> str:
    if not re.fullmatch("[0-9a-f]{8}", id, re.ASCII):
        raise NotFound("callback address")
    return id


def _shown(key: str, configured: Configured, status: int = 200, **more: str) -> Response:
    settings = configured.settings
    addresses = [
        {
            "id": address.id,
            "url": address.url,
            "auth": address.auth.value,
            "retries": address.retries.value,
            "paused": address.paused,
            "default": address.id == settings.default,
        }
        for address in settings.addresses
    ]
    body = {
        "channel_key": key,
        "enabled": settings.enabled,
        "states": list(settings.states),
        "addresses": addresses,
        "version": configured.version,
    }
    return tagged({**body, **more}, configured.version, status)


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "time": batch.time,
        "address": batch.address,
        "records": batch.records,
        "state": batch.state.value,
        "tries": batch.tries,
        "attempts": [attempt._asdict() for attempt in batch.attempts],
    }
