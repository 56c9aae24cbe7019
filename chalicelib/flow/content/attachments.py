"""Attachments that a sender uploads: kept for hours, named by an address that works inside messages only.

An address is `<public url>/m/<token>/<file name>`. The token says whose it is, until when and where it lies, with a truncated HMAC over
that and the name, so that no table needs to know of it. Nothing answers at the address itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import mimetypes
import re
import secrets
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, Misconfigured, Rejected, Unavailable, Uncertain
from chalicelib.domain.provider_io import Attachment
from chalicelib.ports import Vault, World

MAX_FILES, MAX_TOTAL = (
    10,
    10_000_000,
)  # of a mail; bytes together, before base64 makes a third more of them
HOURS, DEFAULT_HOURS = range(1, 169), 24
UPLOAD_SECONDS = 3600  # how long a form for an upload is good for

_TOKEN = struct.Struct(">I8s16s")  # expires, whose, id
_MAC = 14  # bytes: with it a token has 42, which fill 56 characters exactly
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f/\\:*?\"<>|\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]+"
)


class StoredFile(NamedTuple):
    """Where a material lies, and until when (epoch seconds)."""

    key: str
    expires: int
    name: str


def keep(world: World, channel_key: str, name: str, body: bytes, hours: int) -> str:
    """Store it; its address."""
    url, place = _new(world, channel_key, name, hours)
    world.files.write(place.key, body, "application/octet-stream")
    return url


def upload(
    world: World, channel_key: str, name: str, hours: int
) -> tuple[str, str, Mapping[str, str]]:
    """The address that it will have; and where, with which fields, a form with the file must be posted."""
    url, place = _new(world, channel_key, name, hours)
    form = world.files.form(place.key, 1, MAX_TOTAL, UPLOAD_SECONDS)
    return url, form.url, form.fields


def file_name(given: str) -> str:
    """The last part of whatever a client calls it, without what a header or a file system could mind."""
    last = re.split(r"[/\\]", given)[-1]
    cleaned = _UNSAFE.sub("_", last).strip(" .")
    while len(cleaned.encode()) > 128:
        stem, dot, ending = cleaned.rpartition(".")
        cleaned = f"{stem[:-1]}.{ending}" if dot and stem and len(ending) <= 16 else cleaned[:-1]
    return cleaned or "attachment"


def _new(world: World, channel_key: str, name: str, hours: int) -> tuple[str, StoredFile]:
    expires = world.clock.now() // 1000 + hours * 3600
    body = _TOKEN.pack(expires, _owner(channel_key), secrets.token_bytes(16))
    token = base64.urlsafe_b64encode(body + _mac(world.vault, body, name)).decode()
    return f"{_prefix(world)}{token}/{quote(name, safe='')}", _place(body, name)


def _prefix(world: World) -> str:
    return f"{world.limits.public_url}/m/"


def _owner(channel_key: str) -> bytes:
    return hashlib.sha256(channel_key.encode("utf-8", "surrogatepass")).digest()[:8]


def _mac(vault: Vault, body: bytes, name: str) -> bytes:
    return vault.mac("material", body + name.encode("utf-8", "surrogatepass"))[:_MAC]


def _place(body: bytes, name: str) -> StoredFile:
    expires, owner, random = _TOKEN.unpack(body)
    return StoredFile(f"materials/{ChannelType.EMAIL}/{owner.hex()}/{random.hex()}", expires, name)


def _read(world: World, url: str, channel_key: str) -> StoredFile | None:
    """None for an address of somebody else; raises Invalid for one of ours that means nothing, or is another access channel's."""
    if not url.startswith(_prefix(world)):
        return None
    token, _, quoted = url.removeprefix(_prefix(world)).partition("/")
    name = unquote(quoted, errors="replace")
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    body, mac = raw[: _TOKEN.size], raw[_TOKEN.size :]
    is_ours = len(mac) == _MAC and hmac.compare_digest(mac, _mac(world.vault, body, name))
    if not is_ours or _TOKEN.unpack(body)[1] != _owner(channel_key):
        raise Invalid("", "there is no such material")
    return _place(body, name)


def check(world: World, channel_key: str, urls: Sequence[Any]) -> None:
    """Raises Invalid for an address of ours that will not work. Others are fetched when the mail is sent."""
    for n, url in enumerate(urls):
        try:
            place = _read(world, str(url), channel_key)
        except Invalid as error:
            raise Invalid(f"files[{n}]", error.reason) from None
        if place is not None and place.expires <= world.clock.now() // 1000:
            raise Invalid(f"files[{n}]", "the material has expired")


def fetch(world: World, channel_key: str, urls: Sequence[Any]) -> tuple[Attachment, ...]:
    """The files; raises Rejected when one can never be had, Unavailable when it may be had later."""
    found: list[Attachment] = []
    left = MAX_TOTAL
    for url in urls:
        name, body = _fetch(world, channel_key, str(url), left)
        left -= len(body)
        if left < 0:
            raise Rejected("files_too_large")
        found.append(Attachment(name, _type(name), body))
    return tuple(found)


def _type(name: str) -> str:
    kind, packed = mimetypes.guess_type(name)
    return kind if kind and not packed else "application/octet-stream"  # a.csv.gz is no CSV


def _fetch(world: World, channel_key: str, url: str, most: int) -> tuple[str, bytes]:
    try:
        place = _read(world, url, channel_key)
        if place is None:
            return file_name(unquote(urlsplit(url).path, errors="replace")), world.files.fetch(
                url, most
            )
        if place.expires <= world.clock.now() // 1000:
            raise Rejected("file_expired")
        body = world.files.read(place.key)
        if body is None:
            raise Rejected("file_not_found")
        return place.name, body
    except (Invalid, ValueError) as error:
        raise Rejected("file_not_found") from error
    except Misconfigured as error:
        raise Rejected(f"file_{error.code}") from error
    except Uncertain as error:
        raise Unavailable(f"file_{error.code}") from error
