"""Signatures of requests to AWS, in less time than the SDK takes.

Source: AWS Signature Version 4, https://docs.aws.amazon.com/IAM/latest/UserGuide/
reference_sigv-create-signed-request.html (2026-11). tests/aws/test_signing.py compares each part
with the SDK's own.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import SIGNED_HEADERS_BLACKLIST, _host_from_url
from botocore.exceptions import NoCredentialsError
from botocore.utils import normalize_url_path

_ALGORITHM = "AWS4-HMAC-SHA256"


def sign(request: Any, signer: Any, scope: Mapping[str, str]) -> None:
    """Add the headers of a signature to a POST without a query.

    The SDK's signer knows the credentials. `scope` has the region and the name of the service
    where they are others than the signer's.
    """
    credentials = signer._credentials and signer._credentials.get_frozen_credentials()
    if credentials is None:
        raise NoCredentialsError
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    request.headers["X-Amz-Date"] = timestamp
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    signed, canonical = _canonical(request)
    region = scope.get("region", signer.region_name)
    name = scope.get("signing_name", signer.signing_name)
    credential = f"{timestamp[:8]}/{region}/{name}/aws4_request"
    digest = sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{timestamp}\n{credential}\n{digest}"
    signature = hmac.digest(_key(credentials.secret_key, credential), text.encode(), sha256)
    request.headers["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{credential},"
        f" SignedHeaders={signed}, Signature={signature.hex()}"
    )


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
