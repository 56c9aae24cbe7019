"""The platforms that a delivery channel can be of: the support matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.provider_io import Capabilities
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.route import Call
from chalicelib.flow import validity
from chalicelib.manage import platforms
from chalicelib.ports import World

bp = Blueprint(__name__)


@admin(bp, "platforms", "GET", gives="platforms.Platforms", tag="channels")
def list_platforms(call: Call) -> dict[str, Any]:
    """Every platform that a delivery channel can be of: what it can do, and what it must be given."""
    return {"platforms": [_shown(call.world, each) for each in platforms.listed(call.world)]}


def _shown(world: World, able: Capabilities) -> dict[str, Any]:
    return {
        "platform": able.platform,
        "type": able.type.value,
        "available": not validity.not_served(world, able),
        "delivery_report": able.delivery_report.value,
        "click_report": able.click_report.value,
        "receipts": sorted(mode.value for mode in able.receipt_modes),
        "call_size": able.call_size,
        "content_per_recipient": able.content_per_recipient,
        "provider_ids": able.provider_ids.value,
        "token_life": able.token_life,
        "recall": able.recall,
        "authorisation": able.authorisation,
        "calls_per_second": able.calls_per_second,
        "deliveries_per_minute": able.deliveries_per_minute,
        "deliveries_per_day": able.deliveries_per_day,
        "credentials": _names(able.credentials),
        "options": _names(able.options),
    }


def _names(settings: Mapping[str, bool]) -> list[dict[str, Any]]:
    return [{"name": name, "required": required} for name, required in settings.items()]
