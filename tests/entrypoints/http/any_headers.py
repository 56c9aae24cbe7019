"""Headers that no browser and no program sends. API Gateway hands them on as text."""

from __future__ import annotations

from collections.abc import Mapping

MEDIA = (
    "multipart/form-data",
    "multipart/form-data; boundary=中",
    "multipart/form-data; boundary=\U0001f600",
    "multipart/form-data; boundary=\ud800",
    "multipart/form-data; 中=b; boundary=b",
    "multipart/form-data; boundary=" + "b" * 71,
    'multipart/form-data; boundary="',
    "multipart/form-data;boundary*=utf-8''b",
    "MULTIPART/FORM-DATA; BOUNDARY=b",
    "application/x-www-form-urlencoded; charset=中",
    "application/json; charset=\x00",
    "中",
)
VALUES = (
    "",
    "中",
    "\ud800",
    "\x00",
    "\r\nSet-Cookie: evil=1",
    ";=,",
    '"',
    "9" * 5000,
    "zh;q=9.9.9, en;q=中",
    "gzip;q=²",
    "Basic 中",
    "Basic " + "=" * 8,
    'W/"' + "1" * 400,
)
NAMES = (
    "accept",
    "accept-encoding",
    "accept-language",
    "cookie",
    "host",
    "hx-request",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "origin",
    "range",
    "referer",
    "sec-fetch-site",
    "user-agent",
    "x-forwarded-for",
)


def all_with(value: str) -> Mapping[str, str]:
    """Return all headers but those of the login and the body, with one value."""
    return dict.fromkeys(NAMES, value)
