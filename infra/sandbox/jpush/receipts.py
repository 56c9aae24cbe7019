"""The outcome of a push in JPush's format: events for the webhook, states for the poll."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from infra.sandbox.accounts import Account, Event
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.outbox import Parcel
from infra.sandbox.vendor import compact

RECEIVED, CLICKED = 0, 1
# A guess: only the callback's bitmask has such an event ("4: not received"), the format lacks it.
UNDELIVERED = 2

NEVER = float("inf")


@dataclass
class Message:
    app_key: str
    delivered: dict[str, float]  # registration id → seconds, NEVER for an unreached device

    def withdraw(self, now: float) -> None:
        self.delivered = {
            target: due if due <= now else NEVER for target, due in self.delivered.items()
        }

    def received(self, now: float) -> int:
        return sum(due <= now for due in self.delivered.values())


def event(msg_id: str, kind: int, registration_id: str, at: float) -> Event:
    return {"msg_id": msg_id, "type": kind, "registration_id": registration_id, "itime": int(at)}


def parcel(account: Account, events: Sequence[Event]) -> Parcel:
    """Build a post. It has "by default the same Basic scheme" as the API (rest_api_v3_callback)."""
    basic = base64.b64encode(f"{account.app_key}:{account.master_secret or ''}".encode()).decode()
    body = compact({"appKey": account.app_key, "data": list(events)}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}
    return Parcel(
        account.provider, str(account.webhook_url), headers=headers, body=body, holds=len(events)
    )


def state(message: Message | None, registration_id: str, now: float) -> int:
    """Return the state of a device (rest_api_v3_report).

    0: delivered. 1: not delivered. 2: not a device of this application.
    3: not a target of this message.
    """
    if message is not None and registration_id in message.delivered:
        return 0 if message.delivered[registration_id] <= now else 1
    return 2 if of(registration_id) is Behaviour.REJECT else 3
