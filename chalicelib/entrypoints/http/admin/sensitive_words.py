"""Sensitive words: what messages and templates of an access channel must not contain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import Faulty, Several
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import PARAMETER, FieldError, Refused
from chalicelib.entrypoints.http.language import Text
from chalicelib.manage import access_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.sensitive_words import (
        WordsChange,
        WordsImport,
        WordsQuery,
        WordsSwitch,
    )

bp = Blueprint(__name__)

ONE = "sensitive-words/{key}"
CHANGES: dict[str, Any] = {
    "response": "sensitive_words.Words",
    "errors": (409, 412),
    "role": Role.OPERATOR,
}


@admin(bp, ONE, "GET", response="sensitive_words.Words", role=Role.READ_ONLY)
def get_sensitive_words(context: RequestContext, key: str) -> Response:
    """Get the switch of an access channel's sensitive words, and how many there are."""
    return _answer(access_channels.get(context.world, known_key(key)))


@admin(
    bp,
    ONE,
    "PUT",
    request="sensitive_words.WordsSwitch",
    response="sensitive_words.Words",
    matches=True,
    role=Role.OPERATOR,
)
def switch_sensitive_words(context: RequestContext, key: str) -> Response:
    """Switch the search for sensitive words of an access channel on or off."""
    from chalicelib.manage import sensitive_words

    body: WordsSwitch = context.body()
    version = expected(context)
    return _answer(sensitive_words.switch(context.world, known_key(key), version, on=body.on))


@admin(
    bp,
    f"{ONE}/words",
    "GET",
    query="sensitive_words.WordsQuery",
    response="sensitive_words.WordsPage",
    role=Role.READ_ONLY,
)
def list_sensitive_words(context: RequestContext, key: str) -> dict[str, Any]:
    """List the sensitive words of an access channel, all or those that have a text."""
    from chalicelib.manage import sensitive_words

    query: WordsQuery = context.query()
    return cursors.page(
        "words",
        context,
        str,  # a word may hold any character, and is only compared
        lambda after, limit: sensitive_words.page(
            context.world, known_key(key), after, limit, query.text
        ),
        lambda entry: entry[0],
        lambda entry: {"word": entry[0], "enabled": entry[1]},
    )


@admin(bp, f"{ONE}/words", "POST", request="sensitive_words.WordsChange", **CHANGES)
def change_sensitive_words(context: RequestContext, key: str) -> Response:
    """Add sensitive words, or switch them on or off, and remove others."""
    from chalicelib.manage import sensitive_words

    body: WordsChange = context.body()
    add = {entry.word: entry.enabled for entry in body.add}
    version = expected_if_given(context)
    return _answer(sensitive_words.change(context.world, known_key(key), version, add, body.remove))


@admin(
    bp,
    f"{ONE}/uploads",
    "POST",
    response="sensitive_words.WordsUpload",
    status=201,
    role=Role.OPERATOR,
)
def upload_sensitive_words(context: RequestContext, key: str) -> Response:
    """Get a form to upload an .xlsx file of sensitive words with. It is valid for an hour."""
    from chalicelib.manage import sensitive_words

    access_channels.get(context.world, known_key(key))
    id, form = sensitive_words.form(context.world)
    upload = {
        "url": form.url,
        "fields": dict(form.fields),
        "max_bytes": sensitive_words.MAX_UPLOAD,
    }
    return Response({"id": id, "upload": upload}, {"Content-Type": "application/json"}, 201)


@admin(bp, f"{ONE}/import", "POST", request="sensitive_words.WordsImport", **CHANGES)
def import_sensitive_words(context: RequestContext, key: str) -> Response:
    """Add the sensitive words of an uploaded .xlsx file, or replace all words by them."""
    from chalicelib.manage import sensitive_words

    body: WordsImport = context.body()
    version = expected_if_given(context)
    try:
        changed = sensitive_words.import_file(
            context.world, known_key(key), version, body.upload, replace=body.replace
        )
    except (Faulty, Several) as error:
        raise _wrong_rows(error.errors if isinstance(error, Several) else [error]) from None
    return _answer(changed)


def _wrong_rows(errors: Sequence[Invalid]) -> Refused:
    """Return the refusal of a file, with all of its errors."""
    from chalicelib.entrypoints.http import import_errors

    refused = Refused(PARAMETER, errors[0].reason)
    refused.errors = [
        FieldError(
            error.field, Text(*(import_errors.say(error, tongue) for tongue in ("en", "zh")))
        )
        for error in errors
    ]
    return refused


@admin(
    bp,
    f"{ONE}/export",
    "POST",
    response="sensitive_words.WordsExport",
    role=Role.OPERATOR,
)
def export_sensitive_words(context: RequestContext, key: str) -> dict[str, Any]:
    """Export the sensitive words of an access channel as an .xlsx file.

    The address of the file is valid for an hour.
    """
    from chalicelib.manage import sensitive_words

    return {"url": sensitive_words.export(context.world, known_key(key))}


def _answer(channel: AccessChannel) -> Response:
    from chalicelib.manage import sensitive_words

    settings = sensitive_words.settings_of(channel)
    shown = {"channel_key": channel.key, "on": settings["on"], "count": settings["count"]}
    return tagged({**shown, "version": channel.version}, channel.version)
