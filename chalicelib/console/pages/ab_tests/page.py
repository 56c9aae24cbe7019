"""A/B tests: those of an access channel, their figures, and their winners."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any

from chalicelib.console import contents
from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.forms import amount_of, number_of
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 50
ROWS = 5  # of variants
AUDIENCES = {"tags": "aud_tag", "segment": "aud_segment", "users": "aud_userid"}
AT = "/messages/ab-tests"
AUDIENCE = re.compile(r"^message(\.aud_\w+|$)")
VARIANT = re.compile(r"^variants\[(\d+)\]")


@page("GET", "/c/{key}/messages/ab-tests")
def tests(visit: Visit) -> Reply:
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("ab-tests", query=query)
    return visit.show("ab_tests/list.html", tests=listed["ab_tests"], cursor=listed["cursor"])


@page("GET", "/c/{key}/messages/ab-tests/new", needs=OPERATOR)
def compose(visit: Visit) -> Reply:
    return _form(visit)


def _form(visit: Visit, error: ApiError | None = None, simulated: Any = None) -> Reply:
    return visit.show(
        "ab_tests/new.html",
        error=error,
        simulated=simulated,
        rows=range(ROWS),
        once=visit.form.text("once") or secrets.token_urlsafe(18),
        templates=visit.every("templates", "templates", channel_key=visit.key),
        strategies=visit.every("strategies", "strategies", channel_key=visit.key),
    )


@page("POST", "/c/{key}/messages/ab-tests/new", needs=OPERATOR)
def start(visit: Visit) -> Reply:
    """Simulate the messages of a test, or start it."""
    try:
        body = _body(visit)
        if visit.form.text("do") != "start":
            simulated = visit.api.change("POST", "ab-tests/simulate", body)
            return _form(visit, simulated=simulated)
        started = visit.api.change("POST", "ab-tests", body, once=visit.form.text("once"))
    except ApiError as error:
        return _form(visit, _of_rows(visit, error))
    return visit.go(visit.at(AT, started["id"]), "sent")


def _of_rows(visit: Visit, error: ApiError) -> ApiError:
    """Return a refusal as the form has its fields: with rows, and one field for who takes part.

    A row without a name is not a variant.
    """
    named = [row for row in range(ROWS) if visit.form.text(f"name.{row}")]

    def row(found: re.Match[str]) -> str:
        return f"variants[{named[int(found[1])]}]"

    fields = [VARIANT.sub(row, AUDIENCE.sub("who", each.field)) for each in error.problems]
    reasons = [each.reason for each in error.problems]
    return ApiError(error.status, list(map(Problem, fields, reasons)), error.seconds)


def _body(visit: Visit) -> dict[str, Any]:
    """Return the body of the API that the form stands for."""
    form = visit.form
    rows = [row for row in (_variant(visit, n) for n in range(ROWS)) if row is not None]
    message: dict[str, Any] = {"template_para": contents.pairs(form.raw("values"))}
    message["app_para"] = {"platform": "all"}
    message["template_id"] = rows[0]["message"]["template_id"] if rows else 0
    audience = form.text("audience")
    if audience in AUDIENCES:
        who: list[Any] = form.lines("who")
        if audience == "segment":
            who = [number_of(one) for one in who]
        message[AUDIENCES[audience]] = who
    return {
        "channel_key": visit.key,
        "name": form.text("name"),
        "broadcast": audience not in AUDIENCES,
        "message": message,
        "variants": rows,
        "holdout": _percent(visit, "holdout"),
        "metric": form.text("metric"),
        "minutes": _minutes(visit),
        "confidence": _percent(visit, "confidence"),
        "if_winner": form.text("if_winner"),
        "if_none": form.text("if_none"),
    }


def _variant(visit: Visit, row: int) -> dict[str, Any] | None:
    """Return a variant, or None for a row without a name."""
    form = visit.form
    if not form.text(f"name.{row}"):
        return None
    message: dict[str, Any] = {"template_id": form.number(f"template.{row}") or 0}
    message["rule_id"] = form.number(f"rule.{row}") or 0
    if form.text(f"at.{row}"):
        message["option"] = {"schedule": {"at": _time(visit, form.text(f"at.{row}"))}}
    share = _percent(visit, f"share.{row}")
    return {"name": form.text(f"name.{row}"), "share": share, "message": message}


def _time(visit: Visit, text: str) -> str:
    """Return a time in the zone of the page, with its offset. The API refuses other texts."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.replace(tzinfo=visit.texts.zone).isoformat(timespec="seconds")


def _percent(visit: Visit, name: str) -> float | str:
    return amount_of(visit.form.text(name) or "0")


def _minutes(visit: Visit) -> int | str | None:
    number, unit = visit.form.number("length"), visit.form.text("unit")
    of_unit = {"min": 1, "h": 60, "d": 1440}.get(unit, 1)
    return number * of_unit if isinstance(number, int) else number


@page("GET", "/c/{key}/messages/ab-tests/{id}")
def test(visit: Visit) -> Reply:
    return _test(visit)


def _test(visit: Visit, error: ApiError | None = None) -> Reply:
    found = visit.api.get("ab-tests/{id}", id=visit.ids["id"])
    compared = {row["variant"]: row for row in found["comparisons"]}
    ends = [variant["ends"] for variant in found["variants"] if variant["ends"]]
    rates = [variant["interval"]["high"] for variant in found["variants"] if variant["interval"]]
    return visit.show(
        "ab_tests/test.html",
        error=error,
        test=found,
        compared=compared,
        ends=max(ends, default=None),
        most=1.05 * max(rates, default=1),
    )


@page("POST", "/c/{key}/messages/ab-tests/{id}/winner", needs=OPERATOR)
def choose(visit: Visit) -> Reply:
    id, body = visit.ids["id"], {"variant": visit.form.text("variant")}
    try:
        visit.api.change("POST", "ab-tests/{id}/winner", body, version=visit.form.version, id=id)
    except ApiError as error:
        return _test(visit, error)
    return visit.go(visit.at(AT, id), "sent")


@page("POST", "/c/{key}/messages/ab-tests/{id}/cancel", needs=OPERATOR)
def cancel(visit: Visit) -> Reply:
    id, body = visit.ids["id"], {"withdraw": visit.form.flag("withdraw")}
    try:
        visit.api.change("POST", "ab-tests/{id}/cancel", body, version=visit.form.version, id=id)
    except ApiError as error:
        return _test(visit, error)
    return visit.go(visit.at(AT, id), "saved")
