"""A/B tests of messages: on contents, channels and times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import Invalid, Refusal
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors, sends, shown_requests
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.bodies import without_nulls
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.entries import FieldError, Refused
from chalicelib.entrypoints.http.errors import CHANNEL_CLOSED
from chalicelib.entrypoints.http.route import known_msgid
from chalicelib.entrypoints.http.ums.send import CHECKED
from chalicelib.entrypoints.http.ums.simulation import SIMULATIONS, STORES, simulated

if TYPE_CHECKING:
    from chalicelib.domain.stored_requests import StoredRequest
    from chalicelib.entrypoints.http.schemas.ab_tests import (
        AbTestBody,
        AbTestsQuery,
        CancelBody,
        VariantBody,
        WinnerBody,
    )
    from chalicelib.flow.requests import SendRequest

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {"role": Role.OPERATOR, "response": "ab_tests.AbTestShown"}


@admin(
    bp,
    "ab-tests",
    "POST",
    request="ab_tests.AbTestBody",
    status=201,
    errors=(404, *CHECKED),
    **CHANGES,
)
def add_ab_test(context: RequestContext) -> Response:
    """Start an A/B test: each variant is sent to its share of the audience, by a hash."""
    from chalicelib.manage import ab_tests

    body: AbTestBody = context.body()
    access, stored = _draft(context, body)
    checked = []
    for n, variant in enumerate(body.variants):
        with _located(n, variant):
            checked.append(ab_tests.check(context.world, stored, variant.name, _reader(access)))
    key = sends.idempotency_key(context, access.key, body.model_dump(mode="json"))
    stored = ab_tests.add(context.world, access, stored, checked, key, sends.door())
    return _tagged(context, stored, 201)


@admin(
    bp,
    "ab-tests/simulate",
    "POST",
    request="ab_tests.AbTestBody",
    response="ab_tests.AbTestSimulation",
    errors=(404, *(error for error in CHECKED if error not in STORES)),
    role=Role.READ_ONLY,
    rate=SIMULATIONS,
)
def simulate_ab_test(context: RequestContext) -> dict[str, Any]:
    """Simulate each message of an A/B test. Nothing is sent or stored."""
    from chalicelib.manage import ab_tests

    body: AbTestBody = context.body()
    access, stored = _draft(context, body)
    variants = []
    for n, variant in enumerate(body.variants):
        with _located(n, variant):
            request = ab_tests.request_of(stored, variant.name, _reader(access))
            shown = simulated(context, request)
        variants.append({"variant": variant.name, "simulation": shown})
    rest = ab_tests.request_of_rest(stored, _reader(access))
    return {"variants": variants, "rest": simulated(context, rest) if rest else None}


@admin(
    bp,
    "ab-tests",
    "GET",
    query="ab_tests.AbTestsQuery",
    response="ab_tests.AbTests",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_ab_tests(context: RequestContext) -> Any:
    """List the A/B tests of an access channel, newest first."""
    from chalicelib.manage import ab_tests, access_channels
    from chalicelib.reports import ab_tests as reports

    query: AbTestsQuery = context.query()
    key = access_channels.get(context.world, known_key(query.channel_key)).key
    return cursors.page(
        "ab_tests",
        context,
        cursors.time_ordered_id,
        lambda before, limit: ab_tests.page(context.world, key, before, limit),
        lambda stored: stored.id,
        reports.line,
    )


@admin(bp, "ab-tests/{id}", "GET", response="ab_tests.AbTestShown", role=Role.READ_ONLY)
def get_ab_test(context: RequestContext, id: str) -> Response:
    """Get an A/B test with the figures of its variants. Looking at them does not end it."""
    from chalicelib.manage import ab_tests

    return _tagged(context, ab_tests.get(context.world, known_msgid(id)))


@admin(
    bp,
    "ab-tests/{id}/targets/{userid}",
    "GET",
    response="ab_tests.GroupShown",
    role=Role.READ_ONLY,
)
def get_group_of_target(context: RequestContext, id: str, userid: str) -> dict[str, Any]:
    """Tell which group of an A/B test a user id is in: a variant, the holdout or the rest."""
    from chalicelib.manage import ab_tests
    from chalicelib.reports import ab_tests as reports

    stored = ab_tests.get(context.world, known_msgid(id))
    return reports.group(stored, userid)


@admin(
    bp,
    "ab-tests/{id}/winner",
    "POST",
    request="ab_tests.WinnerBody",
    errors=(409, 412, 1019081),
    **CHANGES,
)
def choose_winner(context: RequestContext, id: str) -> Response:
    """Send a variant to the rest of the audience by hand, once the test is over."""
    from chalicelib.manage import ab_tests

    body: WinnerBody = context.body()
    member = context.member.key if context.member else ""
    version = expected_if_given(context)
    door = sends.door()
    stored = ab_tests.choose(context.world, known_msgid(id), version, body.variant, member, door)
    return _tagged(context, stored)


@admin(
    bp,
    "ab-tests/{id}/cancel",
    "POST",
    request="ab_tests.CancelBody",
    errors=(409, 412),
    **CHANGES,
)
def cancel_ab_test(context: RequestContext, id: str) -> Response:
    """End an A/B test without a decision. What waits for its time is not sent."""
    from chalicelib.manage import ab_tests

    body: CancelBody = context.body()
    version, door = expected_if_given(context), sends.door()
    stored = ab_tests.cancel(context.world, known_msgid(id), version, door, withdraws=body.withdraw)
    return _tagged(context, stored)


def _tagged(context: RequestContext, stored: StoredRequest, status: int = 200) -> Response:
    from chalicelib.reports import ab_tests as reports

    body = stored.written.body.get("message")
    message = shown_requests.without_ids(body) if body is not None else None
    shown = {**reports.shown(context.world, stored), "message": message}
    return tagged(shown, stored.version, status)


def _draft(context: RequestContext, body: AbTestBody) -> tuple[AccessChannel, StoredRequest]:
    """Return the access channel of a test, and the test as it would be stored."""
    from chalicelib.domain.rules.reviews import Origin
    from chalicelib.domain.stored_requests import Form, Written
    from chalicelib.manage import ab_tests, access_channels

    access = access_channels.get(context.world, known_key(body.channel_key))
    if not access.enabled:
        raise CHANNEL_CLOSED.refuse()
    bodies = {
        "broadcast": body.broadcast,
        "message": sends.as_stored(without_nulls(body.message)),
        "variants": {of.name: sends.as_stored(of.message) for of in body.variants},
    }
    member = context.member.key if context.member else ""
    written = Written(Form.AB_TEST, bodies, Origin.CONSOLE, member)
    return access, ab_tests.draft(context.world, access, body.name, body.test(), written)


def _reader(access: AccessChannel) -> Callable[[StoredRequest], SendRequest]:
    read = sends.door().read
    return lambda stored: read(access, stored)


@contextmanager
def _located(number: int, variant: VariantBody) -> Iterator[None]:
    """Name the field of an error as it stands in the body: in the variant, or in the message."""

    def located(field: str) -> str:
        field = "option.schedule" if field == "schedule" else field
        name = re.split(r"[.\[]", field)[0]
        own = f"variants[{number}].message" if name in variant.message else "message"
        return f"{own}.{field}" if field and field != "body" else own

    try:
        yield
    except Refusal as error:
        error.field = located(error.field)
        raise
    except Invalid as error:
        raise Invalid(located(error.field), error.reason) from error
    except Refused as error:
        error.errors = [FieldError(located(of.field), of.reason) for of in error.errors]
        raise
