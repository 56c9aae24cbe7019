"""Send: one page in the documented order, from the channels to the contents."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from typing import Any

from chalicelib.console import contents, third_party
from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.forms import Form, number_of
from chalicelib.console.pages.send import filled as filled_in
from chalicelib.console.pages.send import times
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
STALE = 412


@page("GET", "/c/{key}/send", needs=OPERATOR)
def compose(visit: Visit) -> Reply:
    if visit.asked("schedule") and not _fill(visit, visit.asked("schedule")):
        return visit.go(visit.at("/messages/scheduled", visit.asked("schedule"), "edit"))
    if visit.asked("again") and not _fill_again(visit, visit.asked("again")):
        return visit.go(visit.at("/messages", visit.asked("again"), "contents"), "does-not-fit")
    if visit.asked("draft"):
        _fill_draft(visit, visit.asked("draft"))
    chosen = visit.form.text("template") or visit.asked("template")
    return _form(visit, "" if visit.asked("kind") == "ordinary" else chosen)


def _fill(visit: Visit, id: str) -> bool:
    """Fill the form in from a scheduled message. Return False if it cannot hold all of it."""
    stored = visit.api.get("schedules/{id}", id=id)
    body = visit.api.get("schedules/{id}/message", id=id)
    more = times.fields(stored["schedule"], stored["next"], visit.texts)
    more |= {"name": stored["name"]}
    if visit.asked("copy") != "1":
        more |= {"schedule": id, "version": str(stored["version"])}
    return _holds(visit, body, more)


def _fill_again(visit: Visit, msgid: str) -> bool:
    """Fill the form in from a message that was sent. Return False if it cannot hold all of it."""
    body = visit.api.change("POST", "messages/{msgid}/body", msgid=msgid)
    return body["message"] is not None and _holds(visit, body, {})


def _fill_draft(visit: Visit, id: str) -> None:
    draft = visit.api.get("drafts/{id}", id=id)
    filled = filled_in.fields(draft["message"], broadcast=draft["broadcast"])
    more = {"draft": id, "version": str(draft["version"]), "draft_name": draft["name"]}
    option = draft["message"].get("option") or {}
    more |= times.drafted(option.get("schedule"), visit.texts)
    visit.form = filled_in.form_of(filled, more)


def _holds(visit: Visit, body: Mapping[str, Any], more: Mapping[str, str]) -> bool:
    """Fill the form in. Return False if it cannot hold all of a message."""
    filled = filled_in.fields(body["message"], broadcast=body["broadcast"])
    visit.form = filled_in.form_of(filled, more)
    try:
        made = _request(visit)["message"]
    except ApiError:
        return False
    # The times stand apart from the message.
    option = {n: v for n, v in body["message"].get("option", {}).items() if n != "schedule"}
    message = {**body["message"], "option": option}
    return filled_in.comparable(made) == filled_in.comparable(message)


@page("POST", "/c/{key}/send", needs=OPERATOR)
def send(visit: Visit) -> Reply:
    """Show the form again after a choice that changes it, ask once more, or send."""
    if visit.form.text("do") in ("template", "ordinary"):
        return _switch(visit, visit.form.text("do"))
    form = visit.form
    template = form.text("template")
    if form.text("do") not in ("check", "send", "draft"):
        return _form(visit, template)
    try:
        if form.text("do") == "draft":
            return _keep(visit)
        body = _request(visit)
        if form.text("do") == "check":
            return _form(visit, template, asks=True)
        sent = _send(visit, body)
    except ApiError as error:
        if error.status == STALE:
            _renew(visit)
        return _form(visit, template, _of_fields(error))
    if "schedule" in sent:
        return visit.go(visit.at("/messages/scheduled"), "scheduled")
    if sent["state"] == "in_review":
        return visit.go(visit.at("/review/mine"), "in-review")
    return visit.go(visit.at("/messages", sent["msgid"]), "sent")


def _switch(visit: Visit, kind: str) -> Reply:
    """Show the form for the other kind of message, with all that was typed."""
    types = {"types": contents.chosen(visit.form) or ["sms"]} if kind == "ordinary" else {}
    visit.form = Form({**visit.form.fields, **types, "kind": [kind]})
    return _form(visit, visit.form.text("template") if kind == "template" else "")


def _renew(visit: Visit) -> None:
    """Take the version that is stored now, so that the next click saves what was typed."""
    path = "drafts/{id}" if visit.form.text("draft") else "schedules/{id}"
    id = visit.form.text("draft") or visit.form.text("schedule")
    with contextlib.suppress(ApiError):
        version = visit.api.get(path, id=id)["version"]
        visit.form = Form({**visit.form.fields, "version": [str(version)]})


def _of_fields(error: ApiError) -> ApiError:
    """Return a refusal as the form has its fields: it has one element of each channel type."""
    problems = [Problem(each.field.replace("[0]", "", 1), each.reason) for each in error.problems]
    return ApiError(error.status, problems, error.seconds)


def _drop_draft(visit: Visit) -> None:
    """Delete the draft that was sent. Somebody may have deleted the draft before."""
    if visit.form.text("draft"):
        with contextlib.suppress(ApiError):
            visit.api.change("DELETE", "drafts/{id}", id=visit.form.text("draft"))


def _keep(visit: Visit) -> Reply:
    """Keep what stands in the form as a draft, whole or not."""
    form, id = visit.form, visit.form.text("draft")
    whole = _request(visit, is_draft=True)
    if times.waits(form):
        whole["message"]["option"]["schedule"] = times.schedule_of(visit, is_draft=True)
    body = {"name": form.text("draft_name"), **whole}
    if id:
        del body["channel_key"]
        visit.api.change("PUT", "drafts/{id}", body, version=form.version, id=id)
    else:
        visit.api.change("POST", "drafts", body)
    return visit.go(visit.at("/messages/drafts"), "drafted")


def _send(visit: Visit, body: dict[str, Any]) -> Any:
    """Send now, or store the message until its time. A scheduled message may be changed so."""
    form = visit.form
    once, id = form.text("once"), form.text("schedule")
    if not times.waits(form):
        sent = visit.api.change("POST", "messages", body, once=once)
        _drop_draft(visit)
        return sent
    named = {"name": form.text("name")} if form.text("name") else {}
    body = {**body, **named, "schedule": times.schedule_of(visit)}
    if not id:
        stored = visit.api.change("POST", "schedules", body, once=once)
        _drop_draft(visit)
        return stored
    del body["channel_key"]
    return visit.api.change("PUT", "schedules/{id}", body, version=form.version, id=id)


@page("POST", "/c/{key}/send/simulation", needs=OPERATOR)
def simulate(visit: Visit) -> Reply:
    """Say how many people a message would reach, who falls out, and its price."""
    try:
        body = _request(visit)
        asked = {"channel_key": visit.key, "send": body["message"]}
        found = visit.api.change("POST", "simulate", asked)
    except ApiError as error:
        return visit.show("send/simulation.html", error=error, found=None)
    return visit.show("send/simulation.html", found=found)


def _form(visit: Visit, number: str, error: ApiError | None = None, asks: bool = False) -> Reply:
    templates = visit.every("templates", "templates", channel_key=visit.key)
    chosen = next((each for each in templates if str(each["template_id"]) == number), None)
    is_ordinary = (visit.form.text("kind") or visit.asked("kind")) == "ordinary"
    if chosen is None and not is_ordinary and not visit.form.text("template"):
        chosen = next((each for each in templates if each["valid"]), None)
    form = visit.form
    once = form.text("once") or secrets.token_urlsafe(18)
    kinds = contents.chosen(form) if form else ["sms"]
    typed = third_party.taken(visit, {kind: contents.typed_of(form, kind) for kind in kinds})
    third = third_party.registers(visit, typed if is_ordinary or not templates else {}, "compose")
    return visit.show(
        "send/send.html",
        error=error,
        asks=asks,
        once=once,
        is_ordinary=is_ordinary or not templates,
        templates=templates,
        chosen=None if is_ordinary else chosen,
        strategies=visit.every("strategies", "strategies", channel_key=visit.key),
        lists=visit.every("lists", "lists", channel_key=visit.key),
        segments=visit.every("segments", "segments", channel_key=visit.key),
        topics=visit.every("topics", "topics", channel_key=visit.key),
        kinds=kinds,
        typed=typed,
        third=third,
        audience=form.text("audience") or _audience(visit),
    )


def _audience(visit: Visit) -> str:
    """Return the kind of audience that the address names."""
    for name in ("tag", "segment"):
        if visit.asked(name):
            return name
    return "users"


def _request(visit: Visit, *, is_draft: bool = False) -> dict[str, Any]:
    """Return the body of the API that the form stands for. A draft may lack its targets."""
    form = visit.form
    audience = form.text("audience")
    is_ordinary = form.text("kind") == "ordinary"
    body: dict[str, Any] = {"option": _option(visit)}
    if form.text("rule_id"):
        body["rule_id"] = form.number("rule_id")
    if audience != "everyone":
        body |= _some_targets(visit, audience) if is_draft else _targets(visit, audience)
    whole = {"channel_key": visit.key, "broadcast": audience == "everyone", "message": body}
    if is_ordinary:
        made = contents.read(form)
        body |= {f"msg_{kind}": _elements(kind, content) for kind, content in made.items()}
        return whole
    values = {name: text.strip() for name, text in form.under("v.")}
    body |= {"template_id": form.number("template") or 0, "template_para": values}
    body["app_para"] = {"platform": form.text("platform") or "all"}
    return whole


def _elements(kind: str, content: Any) -> list[Any]:
    """Return the elements of a `msg_…`. A push names the platforms of its devices."""
    elements = content if isinstance(content, list) else [content]
    if kind != "app":
        return elements
    return [{"platform": "all", **each} if isinstance(each, Mapping) else each for each in elements]


def _option(visit: Visit) -> dict[str, Any]:
    form = visit.form
    option: dict[str, Any] = {"priority": form.number("priority") or 2}
    for field, name in (("sendno", "sendno"), ("title", "name"), ("owner", "owner")):
        if form.text(field):
            option[name] = form.text(field)
    if form.text("topic"):
        option["topic"] = form.number("topic")
    kind, _, number = form.text("list").partition(":")
    if kind in ("black", "white") and number:
        option[f"{kind}_id"] = number_of(number)
    return option


def _targets(visit: Visit, audience: str) -> dict[str, Any]:
    form = visit.form
    if audience == "tag":
        return {"aud_tag": _needed(visit, "tags")}
    if audience == "segment":
        number = form.number("segment")
        if number is None:
            raise ApiError(400, [Problem("segment", visit.say("Choose a segment."))])
        return {"aud_segment": [number]}
    if audience == "contacts":
        kind = form.text("contact_type") or "sms"
        return {f"aud_{kind}": [{"data": _needed(visit, "contacts")}]}
    return {"aud_userid": _needed(visit, "userids")}


def _some_targets(visit: Visit, audience: str) -> dict[str, Any]:
    try:
        return _targets(visit, audience)
    except ApiError:
        return {}


def _needed(visit: Visit, name: str) -> list[str]:
    values = visit.form.lines(name)
    if not values:
        raise ApiError(400, [Problem(name, visit.say("Name at least one."))])
    return values
