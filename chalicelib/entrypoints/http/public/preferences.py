"""The page on which people choose topics, channels and quiet times. It needs no script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from chalice.app import Blueprint, Response

from chalicelib.domain.rules.topics import QuietTime
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.language import Language, preferred
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route

if TYPE_CHECKING:
    from chalicelib.flow.preferences import Seen

bp = Blueprint(__name__)

_FORM_BYTES = 32_768
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_FIRST = re.compile(r"f([0-9]{1,15})", re.ASCII)
_BOX = re.compile(r"([0-9]{1,15})\.([a-z_]{1,30})", re.ASCII)


@route(
    bp,
    "/p/{token}",
    "GET",
    "POST",
    auth=Auth.NOBODY,
    error_response=ums_error,
    limit=_FORM_BYTES,
    errors=(400, 409, 413),
    media="text/html",
    tag="receipts",
    headers=("Accept-Language",),
)
def choose(context: RequestContext, token: str) -> Response:
    """Show and change what a person gets: topics by channel, and quiet times.

    A GET changes nothing, because bots follow links. A POST is the form of the page.
    """
    from chalicelib.entrypoints.http.public import preferences_page
    from chalicelib.flow import preferences

    language = preferred(context.headers.get("accept-language", ""), Language.CHINESE)
    is_saved = context.request.method == "POST"
    if is_saved:
        form = _form(context.raw)
        boxes = [box for text in form.get("t", ()) if (box := _BOX.fullmatch(text))]
        chosen = {(int(box[1]), box[2]) for box in boxes}
        named = ((_FIRST.fullmatch(name), kinds[0]) for name, kinds in form.items())
        first = {int(name[1]): kind for name, kind in named if name}
        shown = preferences.save(
            context.world, token, chosen, _quiet(form), first, seen=_seen(form)
        )
    else:
        shown = preferences.page(context.world, token)
    text = preferences_page.html_of(shown, language, is_saved=is_saved)
    return Response(text, dict(preferences_page.HEADERS), 200)


def _form(raw: bytes) -> Mapping[str, Sequence[str]]:
    try:
        return parse_qs(raw.decode("ascii"), max_num_fields=1000)
    except ValueError:
        raise Refused(PARAMETER, "cannot be read", "无法读取", field="body") from None


def _seen(form: Mapping[str, Sequence[str]]) -> Seen | None:
    """Read which boxes a page had, None if its form does not say."""
    topics, kinds = (form.get(field, [""])[0].split(",") for field in ("topics", "kinds"))
    numbers = frozenset(int(text) for text in topics if _NUMBER.fullmatch(text))
    return (numbers, frozenset(kinds)) if numbers else None


def _quiet(form: Mapping[str, Sequence[str]]) -> QuietTime | None:
    """Read the quiet time, None where a person wants none. Raises Refused."""
    from chalicelib.domain.zones import zone

    begin, end, name = (form.get(field, [""])[0] for field in ("begin", "end", "zone"))
    if not begin or not end:
        return None
    if not _TIME.fullmatch(begin) or not _TIME.fullmatch(end):
        raise Refused(
            PARAMETER, "must be a time such as 22:00", "须为时间，如 22:00", field="begin"
        )
    if zone(name) is None:
        raise Refused(
            PARAMETER,
            "must be an IANA time zone, such as Asia/Shanghai",
            "须为 IANA 时区，如 Asia/Shanghai",
            field="zone",
        )
    return QuietTime(begin, end, name)
