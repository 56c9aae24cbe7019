"""Templates: the list, the editor with previews, and versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.console import contents, mails, third_party
from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.forms import Form
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role
from chalicelib.domain.templates import fill, fits, map_texts, variables

OPERATOR = Role.OPERATOR.value
PAGE = 50
SAMPLES = "s."
EDITOR = "editor"  # the id of the form


@page("GET", "/c/{key}/templates")
def templates(visit: Visit) -> Reply:
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("templates", query=query)
    found, cursor = listed["templates"], listed["cursor"]
    return visit.show("templates/list.html", templates=found, cursor=cursor)


@page("GET", "/c/{key}/templates/new", needs=OPERATOR)
def ask(visit: Visit) -> Reply:
    return _editor(visit, None, {}, ["sms"])


@page("GET", "/c/{key}/templates/{id}")
def template(visit: Visit) -> Reply:
    found = visit.api.get("templates/{template_id}", template_id=visit.ids["id"])
    return _of(visit, found)


def _of(visit: Visit, found: Mapping[str, Any], error: ApiError | None = None) -> Reply:
    typed = {kind: contents.show(kind, content) for kind, content in found["contents"].items()}
    kinds = [kind for kind in contents.FIELDS if kind in typed]
    return _editor(visit, found, typed, kinds, error)


@page("POST", "/c/{key}/templates/new", needs=OPERATOR)
def add(visit: Visit) -> Reply:
    return _save(visit, None)


@page("POST", "/c/{key}/templates/{id}", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    found = visit.api.get("templates/{template_id}", template_id=visit.ids["id"])
    return _save(visit, found)


def _save(visit: Visit, found: Mapping[str, Any] | None) -> Reply:
    """Save, or show the editor again: after a change of its types, or for its previews."""
    form = visit.form
    kinds = contents.chosen(form)
    if form.text("do") != "save":
        return _again(visit, found, kinds)
    try:
        made = contents.read(form)
        links = _links(visit, found, sorted(variables(made))) if form.many("shown") else None
        body = {"name": form.text("name"), "contents": made, "links": links}
        if found is None:
            saved = visit.api.change("POST", "templates", {"channel_key": visit.key, **body})
        else:
            saved = visit.api.change(
                "PUT",
                "templates/{template_id}",
                body,
                version=form.version,
                template_id=str(found["template_id"]),
            )
    except ApiError as error:
        return _again(visit, found, kinds, error)
    return visit.go(visit.at("/templates", saved["template_id"]), "saved")


def _again(visit: Visit, found: Any, kinds: list[str], error: ApiError | None = None) -> Reply:
    typed = {kind: contents.typed_of(visit.form, kind) for kind in kinds}
    if visit.is_part and visit.form.text("do") == "preview":
        third = third_party.remembered(visit, typed, EDITOR)
        return visit.show("templates/previews.html", **_previews(visit, found, typed, third))
    return _editor(visit, found, third_party.taken(visit, typed), kinds, error)


def _editor(
    visit: Visit,
    found: Mapping[str, Any] | None,
    typed: Mapping[str, Mapping[str, str]],
    kinds: list[str],
    error: ApiError | None = None,
) -> Reply:
    typed = {kind: typed.get(kind, {}) for kind in kinds}
    third = third_party.registers(visit, typed, EDITOR)
    return visit.show(
        "templates/editor.html",
        error=error,
        template=found,
        kinds=kinds,
        typed=typed,
        **_previews(visit, found, typed, third),
    )


def _previews(
    visit: Visit,
    found: Mapping[str, Any] | None,
    typed: Mapping[str, Mapping[str, str]],
    third: third_party.Registers,
) -> dict[str, Any]:
    made = _made(typed)
    names = sorted(variables(made))
    samples = {name: visit.form.text(SAMPLES + name) for name in names}
    shown = {kind: _filled(content, samples) for kind, content in made.items()}
    return {
        "samples": samples,
        "used": {name: [k for k, c in made.items() if name in variables({k: c})] for name in names},
        "links": _links(visit, found, names),
        "previews": shown,
        "size": contents.size(_text(shown.get("sms"), third.by_kind.get("sms"))),
        "third": third,
    }


def _links(visit: Visit, found: Mapping[str, Any] | None, names: list[str]) -> list[str]:
    """Return the variables that are ticked. New ones are ticked if they surely hold addresses."""
    if found and not visit.form:
        return list(found["links"])
    shown = visit.form.many("shown")
    return [*visit.form.many("links"), *(name for name in _likely(names) if name not in shown)]


def _text(content: Any, register: third_party.Register | None) -> str:
    """Return the text of an SMS, empty for a template that is not known."""
    if not isinstance(content, Mapping):
        return ""
    if "temp_id" in content and register is not None and register.template:
        return register.text(content.get("temp_para") or {})
    return str(content.get("content", ""))


def _likely(names: list[str]) -> list[str]:
    """Return the variables that surely hold addresses, as the API guesses them."""
    return [name for name in names if name == "url" or name.endswith("_url")]


def _made(typed: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return contents for previews. A content that is not JSON yet is left out."""
    made: dict[str, Any] = {}
    for kind, one in typed.items():
        try:
            made[kind] = contents.make_any(kind, one)
        except ApiError:
            continue
    return made


def _filled(content: Any, samples: Mapping[str, str]) -> Any:
    """Fill samples in. A variable without one stays, so that one sees it.

    All stay where a content would grow beyond what can be sent.
    """
    given = {name: value for name, value in samples.items() if value}
    if not fits(content, given):
        return content
    return map_texts(content, lambda text: fill(text, given))


@page("GET", "/c/{key}/templates/{id}/versions")
def versions(visit: Visit) -> Reply:
    """Compare two versions: the chosen one and the one before."""
    query = {"limit": 100, "cursor": visit.asked("cursor") or None}
    id = visit.ids["id"]
    listed = visit.api.get("templates/{template_id}/versions", query=query, template_id=id)
    found = listed["versions"]
    if not found:
        raise ApiError(404, [Problem("", visit.say("There is no such page."))])
    wanted = visit.asked("v") or str(found[-1]["version"])
    place = next((n for n, each in enumerate(found) if str(each["version"]) == wanted), 0)
    before = found[place - 1] if place else _before(visit, id, found[0]["version"])
    return visit.show(
        "templates/versions.html",
        versions=list(reversed(found)),
        cursor=listed["cursor"],
        chosen=found[place],
        texts=_texts(found[place]),
        before=_texts(before) if before else {},
        is_first=before is None,
    )


def _before(visit: Visit, id: str, version: int) -> Mapping[str, Any] | None:
    """Return the version before the oldest one of a page, None for the first."""
    if version == 1:
        return None
    path = "templates/{template_id}/versions/{version}"
    found: Mapping[str, Any] = visit.api.get(path, template_id=id, version=str(version - 1))
    return found


def _texts(version: Mapping[str, Any]) -> dict[str, str]:
    """Return every text of a version by its place."""
    texts: dict[str, str] = {}
    for kind, content in version["contents"].items():
        texts |= {f"{kind}.{name}": text for name, text in contents.show(kind, content).items()}
    return texts


@page("POST", "/c/{key}/templates/{id}/archive", needs=OPERATOR)
def archive(visit: Visit) -> Reply:
    id = visit.ids["id"]
    try:
        visit.api.change("DELETE", "templates/{template_id}", template_id=id)
    except ApiError as error:
        visit.form = Form({})  # the button is not in the form of the template
        return _of(visit, visit.api.get("templates/{template_id}", template_id=id), error)
    return visit.go(visit.at("/templates"), "archived")


@page("POST", "/mail")
def mail(visit: Visit) -> Reply:
    return mails.document(visit.form.raw("html"))
