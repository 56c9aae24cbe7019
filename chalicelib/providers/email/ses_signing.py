"""Signature Version 4 of AWS, for requests with a JSON body.

Source: "Create a signed AWS API request" (docs.aws.amazon.com/IAM, 2026-11).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from chalicelib.domain.values import frozen

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "ses"


@frozen
class Keys:
    """An access key of AWS. `token` belongs to temporary ones."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def signed(
    method: str, url: str, body: bytes, keys: Keys, region: str, now: float
) -> Mapping[str, str]:
    """Return the headers of a request that carry its signature. The URL has no query."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    headers = {"content-type": "application/json", "host": parts.netloc, "x-amz-date": stamp}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),
            "",
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{_SERVICE}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    signature = hmac.new(_key(keys.secret, scope), to_sign.encode(), "sha256").hexdigest()
    del headers["host"]  # the connection itself sends it
    credential = f"Credential={keys.id}/{scope}"
    signs = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": signs}


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
