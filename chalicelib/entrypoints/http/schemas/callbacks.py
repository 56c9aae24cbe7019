"""Callbacks of an access channel: addresses, states, batches and replays."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.domain.callbacks import BatchState
from chalicelib.domain.rules.callbacks import Auth, Retries
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    LongListQuery,
    Page,
    Patch,
    Strict,
    Versioned,
)
from chalicelib.manage.access_channels import LONGEST_GRACE

State = Annotated[int, Field(ge=0, le=8)]
States = Annotated[list[State], Field(min_length=1, max_length=9)]
Url = Annotated[str, Field(min_length=1, max_length=2048)]
Secret = Annotated[str, Field(max_length=128, pattern=r"^[\x21-\x7e]*$")]
AddressId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
Milliseconds = Annotated[int, Field(ge=0, lt=10**14)]
AuthName = Annotated[Auth, Field(strict=False)]
RetriesName = Annotated[Retries, Field(strict=False)]


class CallbacksChange(Patch):
    """A partial update: omitted fields keep their value."""

    enabled: bool | None = None
    states: States | None = None
    default: AddressId | None = None


class AddressBody(Strict):
    url: Url
    auth: AuthName = Auth.BASIC
    retries: RetriesName = Retries.UMS
    secret: Secret = ""


class AddressChange(Patch):
    """A partial update: omitted fields keep their value."""

    url: Url | None = None
    auth: AuthName | None = None
    retries: RetriesName | None = None
    secret: Secret | None = None
    paused: bool | None = None


class SigningRotation(Strict):
    grace: Annotated[int, Field(ge=0, le=LONGEST_GRACE)] = 86400


class Address(Answer):
    """A callback address. Its secrets are never shown."""

    id: str
    url: str
    auth: Auth
    retries: Retries
    paused: bool
    default: bool


class Callbacks(Versioned):
    """The callbacks of an access channel. `version` is that of the access channel."""

    channel_key: str
    enabled: bool
    states: list[int]
    addresses: list[Address]


class NewAddress(Callbacks):
    """The callbacks with a new address, or a new signing secret, which is shown only once."""

    id: str
    signing_secret: str


class Attempt(Answer):
    time: int
    status: int
    code: str


class CallbackBatch(Answer):
    """A batch of records for one address, with the latest attempts to deliver it."""

    id: str
    time: int
    address: str
    records: int
    state: BatchState
    tries: int
    attempts: list[Attempt]


class CallbackBatchWithRecords(CallbackBatch):
    """A batch with its records, as they are sent."""

    body: list[dict[str, Any]]


class CallbackBatches(Page):
    batches: list[CallbackBatch]


class BatchesQuery(LongListQuery):
    since: Annotated[int, Field(ge=0, lt=10**14)] = 0
    until: Annotated[int | None, Field(ge=0, lt=10**14)] = None
    order: Literal["oldest", "newest"] = "oldest"


class Replay(Strict):
    """A time range, and which of its batches to deliver again."""

    since: Milliseconds
    until: Milliseconds
    states: Annotated[
        list[Annotated[BatchState, Field(strict=False)]], Field(min_length=1, max_length=4)
    ] = [BatchState.FAILED]
    address: AddressId | None = None


class Replaying(Answer):
    status: Literal["started"]
