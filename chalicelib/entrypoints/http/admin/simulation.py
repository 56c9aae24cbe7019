"""The simulation of a send, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import sends
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import CHANNEL_CLOSED
from chalicelib.entrypoints.http.ums.simulation import SIMULATIONS, simulated
from chalicelib.manage import access_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.simulation import SimulationBody

bp = Blueprint(__name__)


@admin(
    bp,
    "simulate",
    "POST",
    request="simulation.SimulationBody",
    response="simulation.Simulation",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
    rate=SIMULATIONS,
)
def simulate_for(context: RequestContext) -> dict[str, Any]:
    """Simulate a send of an access channel. Nothing is sent or stored."""
    body: SimulationBody = context.body()
    access = access_channels.get(context.world, known_key(body.channel_key))
    if not access.enabled:
        raise CHANNEL_CLOSED.refuse()
    return simulated(context, sends.read_any(access, body.send))
