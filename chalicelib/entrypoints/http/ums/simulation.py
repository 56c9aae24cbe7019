"""The simulation of a send, for the access channel that would send."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.members import Member, Role
from chalicelib.entrypoints.http import allowances, sends, warnings
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.route import route
from chalicelib.entrypoints.http.ums.send import SENDS
from chalicelib.flow.requests import SendRequest

bp = Blueprint(__name__)

# A second's simulations of one caller: each may read two thousand users.
SIMULATIONS = ("simulations", 2)
STORES = (1019041, 503)  # errors of storing a message


@route(
    bp,
    "/v1/simulate",
    "POST",
    request="simulation.AnyBody",
    rate=SIMULATIONS,
    **{
        **SENDS,
        "response": "simulation.Simulation",
        "headers": ("Accept-Language",),
        "errors": tuple(error for error in SENDS["errors"] if error not in STORES),
    },
)
def simulate(context: RequestContext) -> dict[str, Any]:
    """Simulate a send. Nothing is sent or stored.

    A body without `aud_…` is that of a broadcast.
    """
    return simulated(context, sends.read_any(context.sender, context.json()))


def simulated(context: RequestContext, request: SendRequest) -> dict[str, Any]:
    """Return the answer for a request, with its warnings in the caller's language.

    What becomes of contacts tells of them as a search does. It counts as one for those who may
    not send to them anyway.
    """
    from chalicelib.reports import simulation  # few requests simulate

    if request.contacts and context.member and not _may_send(context.member, request):
        allowances.use(context, allowances.CONTACT_SEARCHES)
    answer = simulation.simulate(context.world, request)
    return {"code": 0, **answer, **warnings.told(answer["warnings"], context.language)}


def _may_send(member: Member, request: SendRequest) -> bool:
    roles = (member.role, member.roles.get(request.channel.key))
    return any(role is not None and role.may(Role.OPERATOR) for role in roles)
