"""Forms of the console: the bytes of a request as fields and files. Refusals are Refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs

from chalicelib.console.door import Request
from chalicelib.entrypoints.http.errors import PARAMETER, WRONG_MEDIA, Refused

MAX_FORM = 1_000_000  # bytes
MAX_FILES = 4_400_000  # bytes of a form with files. Lambda takes 6 MB, in base64.
MAX_FIELDS = 5000
MAX_PARTS = 100  # of a form with files. More files than a field takes are refused beside it.
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def read(request: Request, *, takes_files: bool) -> Request:
    """Return a request with its form. One that is too large is not read. Raises Refused."""
    raw = request.body
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if len(raw) > (MAX_FILES if takes_files else MAX_FORM):
        return replace(request, is_too_large=True)
    if media == MULTIPART and takes_files:
        return _with_files(request)
    if raw and media != URLENCODED:
        raise WRONG_MEDIA.refuse("Content-Type", media=URLENCODED)
    return replace(request, form=_fields(raw))


def _fields(raw: bytes) -> Mapping[str, list[str]]:
    text = raw.decode("utf-8", "replace")
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        most = f"{MAX_FIELDS:,}"
        raise Refused(
            PARAMETER, f"more than {most} fields", f"超过 {most} 个字段", field="body"
        ) from None


def _with_files(request: Request) -> Request:
    """Read a form with files. A field of files from which nothing was chosen has none."""
    from chalicelib.entrypoints.http import multipart

    form: dict[str, list[str]] = {}
    files: dict[str, list[bytes]] = {}
    for part in multipart.parts(request.headers["content-type"], request.body, most=MAX_PARTS):
        if part.filename is None:
            form.setdefault(part.name, []).append(part.body.decode("utf-8", "replace"))
        elif part.body:
            files.setdefault(part.name, []).append(bytes(part.body))
    return replace(request, form=form, files=files)
