"""The fields of callbacks."""

from __future__ import annotations

from collections.abc import Mapping

_ADDRESS = "Id of the callback address."
_AUTH = (
    "Proof of origin: `basic` (channel key and secret, as UMS), `signature` (Standard Webhooks) or"
    " `both`."
)
_RETRIES = "Retries of what was not taken: `ums` (3, 50 seconds apart) or `long` (9 in three days)."
_SECRET = "Password of Basic, such as the master secret. It is sealed and never shown."  # noqa: S105
_PAUSED = "True while callbacks are held back, to be delivered once it is resumed."
_URL = "Address of a receiver: https, or http to what the allow-list names."

FIELDS: Mapping[str, str] = {
    "address": _ADDRESS,
    "Address.default": "True for the address of messages that name none.",
    "Address.id": _ADDRESS,
    "addresses": "Callback addresses, the oldest first.",
    "Attempt.code": "Reason why no answer came, otherwise empty.",
    "Attempt.status": "HTTP status of the answer. 0: none came.",
    "attempts": "Attempts to deliver the batch, the last 20.",
    "auth": _AUTH,
    "CallbackBatch.id": "Id of the batch, the `webhook-id` of its requests.",
    "CallbackBatch.records": "Number of records in the batch.",
    "CallbackBatch.state": "`delivered`, `waiting` for a try, `held` (its address is paused) or"
    " `failed` (tried as often as `retries` says).",
    "CallbackBatch.time": "Time of its latest record, in ms.",
    "batches": "Batches of callbacks, oldest first.",
    "BatchesQuery.order": "`newest` first, or `oldest` first, which is the default.",
    "BatchesQuery.since": "Time from which batches are listed, in ms.",
    "BatchesQuery.until": "Time up to which batches are listed, in ms. Default: now.",
    "CallbackBatchWithRecords.body": "Records of the batch, as they are sent.",
    "CallbacksChange.default": "Id of the address of messages that name none.",
    "Callbacks.enabled": "True if callbacks are sent.",
    "CallbacksChange.enabled": "True to send callbacks.",
    "NewAddress.id": _ADDRESS,
    "paused": _PAUSED,
    "Replay.since": "Time from which batches are delivered again, in ms.",
    "Replay.until": "Time up to which batches are delivered again, in ms.",
    "Replay.states": "States of the batches to deliver again. Default: `failed`.",
    "Replay.address": "Id of the address whose batches are delivered again. Default: all.",
    "Replaying.status": "Always `started`, because the replay goes on after the answer.",
    "retries": _RETRIES,
    "secret": _SECRET,
    "SigningRotation.grace": "Seconds for which the old secret signs too. 0 ends it at once.",
    "signing_secret": "Signing secret (`whsec_…`) of the address, shown only once.",
    "states": "Types of records that are sent, by UMS's numbers from 0 to 8.",
    "tries": "Failed tries since the batch was made or replayed.",
    "AddressBody.url": _URL,
    "AddressChange.url": _URL,
    "Address.url": _URL,
}
