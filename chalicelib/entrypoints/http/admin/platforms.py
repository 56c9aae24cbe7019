"""The platforms that a delivery channel can be of: the support matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.domain.provider_io import Capabilities
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.flow import validity
from chalicelib.manage import platforms
from chalicelib.ports import World

bp = Blueprint(__name__)


@admin(bp, "platforms", "GET", response="platforms.Platforms", tag="channels", role=Role.READ_ONLY)
def list_platforms(context: RequestContext) -> dict[str, Any]:
    """List the platforms of delivery channels, with their abilities and fields."""
    listed = platforms.listed(context.world)
    return {"platforms": [_shown(context.world, capabilities) for capabilities in listed]}


def _shown(world: World, capabilities: Capabilities) -> dict[str, Any]:
    return {
        "platform": capabilities.platform,
        "type": capabilities.type.value,
        "available": not validity.not_served(world, capabilities),
        "delivery_report": capabilities.delivery_report.value,
        "click_report": capabilities.click_report.value,
        "receipts": sorted(mode.value for mode in capabilities.receipt_modes),
        "receipt_delay": capabilities.receipt_delay,
        "call_size": capabilities.call_size,
        "content_per_recipient": capabilities.content_per_recipient,
        "provider_ids": capabilities.provider_ids.value,
        "token_life": capabilities.token_life,
        "recall": capabilities.recall,
        "authorisation": capabilities.authorisation,
        "templates": capabilities.registers is not None,
        "calls_per_second": capabilities.calls_per_second,
        "deliveries_per_minute": capabilities.deliveries_per_minute,
        "deliveries_per_day": capabilities.deliveries_per_day,
        "credentials": _fields(capabilities.credentials),
        "options": _fields(capabilities.options),
    }


def _fields(fields: Mapping[str, bool]) -> list[dict[str, Any]]:
    return [{"name": name, "required": required} for name, required in fields.items()]
