"""Keep attachments that a sender uploads, for hours, at addresses that work inside messages only.

An address is `<public url>/m/<token>/<file name>`. The token holds the owner, the expiry and the
id, with a truncated HMAC over these and the name. So no table needs to know of the address.
Nothing answers at the address itself.
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
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import Attachment
from chalicelib.domain.values import frozen
from chalicelib.ports import Vault, World

MAX_FILES = 10  # of a mail
MAX_TOTAL = 10_000_000  # bytes of them together. Base64 makes a third more of them.
HOURS, DEFAULT_HOURS = range(1, 169), 24
UPLOAD_SECONDS = 3600  # for which a form for an upload is good

_TOKEN = struct.Struct(">I8s16s")  # expiry, owner, id
_MAC = 14  # bytes: with it a token has 42, which fill 56 characters exactly
_UNSAFE = (  # compiled with the first file
    r"[\x00-\x1f\x7f/\\:*?\"<>|\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]+"
)


@frozen
class StoredFile:
    """An uploaded attachment: its key in the store, and its expiry (epoch seconds)."""

    key: str
    expires: int
    name: str


def keep(world: World, channel_key: str, name: str, body: bytes, hours: int) -> str:
    """Store an attachment, and return its address."""
    url, file = _new(world, channel_key, name, hours)
    world.files.write(file.key, body, "application/octet-stream")
    return url


def upload(
    world: World, channel_key: str, name: str, hours: int
) -> tuple[str, str, Mapping[str, str]]:
    """Return the future address of an attachment, and the form that uploads it: url and fields."""
    url, file = _new(world, channel_key, name, hours)
    form = world.files.form(file.key, 1, MAX_TOTAL, UPLOAD_SECONDS)
    return url, form.url, form.fields


def file_name(path: str) -> str:
    """Return the last part of a client's path, safe for headers and file systems."""
    last = re.split(r"[/\\]", path)[-1]
    cleaned = re.sub(_UNSAFE, "_", last).strip(" .")
    while len(cleaned.encode()) > 128:
        stem, dot, ending = cleaned.rpartition(".")
        cleaned = f"{stem[:-1]}.{ending}" if dot and stem and len(ending) <= 16 else cleaned[:-1]
    return cleaned or "attachment"


def _new(world: World, channel_key: str, name: str, hours: int) -> tuple[str, StoredFile]:
    expires = world.clock.now() // 1000 + hours * 3600
    body = _TOKEN.pack(expires, _owner(channel_key), secrets.token_bytes(16))
    token = base64.urlsafe_b64encode(body + _mac(world.vault, body, name)).decode()
    return f"{_prefix(world)}{token}/{quote(name, safe='')}", _stored_file(body, name)


def _prefix(world: World) -> str:
    return f"{world.limits.public_url}/m/"


def _owner(channel_key: str) -> bytes:
    return hashlib.sha256(channel_key.encode("utf-8", "surrogatepass")).digest()[:8]


def _mac(vault: Vault, body: bytes, name: str) -> bytes:
    return vault.mac("material", body + name.encode("utf-8", "surrogatepass"))[:_MAC]


def _stored_file(body: bytes, name: str) -> StoredFile:
    expires, owner, random = _TOKEN.unpack(body)
    return StoredFile(f"materials/{ChannelType.EMAIL}/{owner.hex()}/{random.hex()}", expires, name)


def _read(world: World, url: str, channel_key: str) -> StoredFile | None:
    """Return the attachment at an address of this deployment, None for an address elsewhere.

    Raises Invalid if the address is forged, or belongs to another access channel.
    """
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
    return _stored_file(body, name)


def check(world: World, channel_key: str, urls: Sequence[Any]) -> None:
    """Raise Invalid for an address of this deployment that will not work.

    Files elsewhere are fetched when the mail is sent.
    """
    for n, url in enumerate(urls):
        try:
            file = _read(world, str(url), channel_key)
        except Invalid as error:
            raise Invalid(f"files[{n}]", error.reason) from None
        if file is not None and file.expires <= world.clock.now() // 1000:
            raise Invalid(f"files[{n}]", "the material has expired")


def are_elsewhere(world: World, urls: Sequence[Any]) -> bool:
    """Tell if one of the files is on a server of others, which may be slow."""
    return not all(str(url).startswith(_prefix(world)) for url in urls)


def fetch(
    world: World, channel_key: str, urls: Sequence[Any], seconds: float
) -> tuple[Attachment, ...]:
    """Fetch the files of a mail, all within `seconds`.

    Raises Rejected when one can never be fetched, and Unavailable when it may be later.
    """
    files: list[Attachment] = []
    left, until = MAX_TOTAL, world.clock.now() + seconds * 1000
    for url in urls:
        patience = (until - world.clock.now()) / 1000
        if patience <= 0:
            raise Unavailable("file_timeout")
        name, body = _fetch(world, channel_key, str(url), left, patience)
        left -= len(body)
        if left < 0:
            raise Rejected("file_too_large")
        files.append(Attachment(name, _type(name), body))
    return tuple(files)


def _type(name: str) -> str:
    kind, packed = mimetypes.guess_type(name)
    return kind if kind and not packed else "application/octet-stream"  # a.csv.gz is not a CSV


def _fetch(
    world: World, channel_key: str, url: str, most: int, seconds: float
) -> tuple[str, bytes]:
    try:
        file = _read(world, url, channel_key)
        if file is None:
            name = file_name(unquote(urlsplit(url).path, errors="replace"))
            return name, world.files.fetch(url, most, seconds)
        if file.expires <= world.clock.now() // 1000:
            raise Rejected("file_expired")
        body = world.files.read(file.key)
        if body is None:
            raise Rejected("file_not_found")
        return file.name, body
    except (Invalid, ValueError) as error:
        raise Rejected("file_not_found") from error
    except (Misconfigured, Rejected) as error:
        raise Rejected(_code(error)) from error
    except (Unavailable, Uncertain) as error:
        raise Unavailable(_code(error)) from error


def _code(error: ProviderError) -> str:
    return error.code if error.code.startswith("file_") else f"file_{error.code}"
