"""Signatures of requests to AWS, in less time than the SDK takes.

Source: AWS Signature Version 4, https://docs.aws.amazon.com/IAM/latest/UserGuide/
reference_sigv-create-signed-request.html (2026-11). tests/aws/test_signing.py compares each part
with the SDK's own.
"""

from __future__ import annotations

import hmac
import time
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import AUTH_TYPE_MAPS, SIGNED_HEADERS_BLACKLIST, SigV4Auth, _host_from_url
from botocore.exceptions import NoCredentialsError
from botocore.utils import normalize_url_path

from chalicelib.config import APP

VERSION = f"{APP}-v4"  # the name by which the SDK finds this signer
_ALGORITHM = "AWS4-HMAC-SHA256"


class Signer(SigV4Auth):  # type: ignore[misc]
    """The signer of requests whose parameters are all in their body, as JSON protocols have it.

    Such a request is a POST without a query.
    """

    def add_auth(self, request: Any) -> None:
        if self.credentials is None:
            raise NoCredentialsError
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        request.context["timestamp"] = timestamp
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            del request.headers[name]  # of an earlier attempt
        request.headers["X-Amz-Date"] = timestamp
        if self.credentials.token:
            request.headers["X-Amz-Security-Token"] = self.credentials.token
        signed, canonical = _canonical(request)
        scope = f"{timestamp[:8]}/{self._region_name}/{self._service_name}/aws4_request"
        digest = sha256(canonical.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
        signature = hmac.digest(_key(self.credentials.secret_key, scope), text.encode(), sha256)
        request.headers["Authorization"] = (
            f"{_ALGORITHM} Credential={self.credentials.access_key}/{scope},"
            f" SignedHeaders={signed}, Signature={signature.hex()}"
        )


AUTH_TYPE_MAPS[VERSION] = Signer


def choose(**_: Any) -> str:
    """Choose this signer. The SDK asks for each request of a client that has this handler."""
    return VERSION


def _canonical(request: Any) -> tuple[str, str]:
    """Return the names of the signed headers, and the canonical request."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["host"] = host(request.url)
    names = sorted(headers.keys() - SIGNED_HEADERS_BLACKLIST)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    signed = ";".join(names)
    digest = sha256(request.body).hexdigest()
    return signed, f"POST\n{_path(request.url)}\n\n{lines}\n{signed}\n{digest}"


# The `Host` of a request to an address, as it is signed and sent.
host = lru_cache(maxsize=8)(_host_from_url)


@lru_cache(maxsize=8)
def _path(url: str) -> str:
    """Return the path of an address as it is signed. That of AWS itself is `/`."""
    return quote(normalize_url_path(urlsplit(url).path), safe="/~")


@lru_cache(maxsize=8)
def _key(secret: str, scope: str) -> bytes:
    """Return the key of a day, a region and a service."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), sha256)
    return key
