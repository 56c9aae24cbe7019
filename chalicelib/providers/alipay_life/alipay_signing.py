"""RSA2 of Alipay's gateway: SHA-256 with RSA (PKCS#1 v1.5).

Our key signs the requests, and Alipay's key the answers. Source: "signing" and "verifying",
https://opendocs.alipay.com/common/057k53. Importing cryptography is slow for a cold start, so it is
imported where a key is used.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

KEY_BITS = 2048  # the shortest key of RSA2

_SPACE = " \t\n\r"


def private_key(text: str, field: str, *, is_checked: bool = False) -> RSAPrivateKey:
    """Read a private key, PKCS#1 or PKCS#8, as PEM or as the bare base64 of Alipay's tool.

    A key that was checked when it was saved is not checked again. The check of its primes takes
    longer than all else that a call needs. Raises Invalid naming `field`.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(
            _der(text), password=None, unsafe_skip_rsa_key_validation=is_checked
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise Invalid(
            field,
            "must be an RSA private key without a password, PKCS#1 or PKCS#8, as PEM or base64",
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS:
        raise Invalid(field, "must be an RSA key of at least {bits} bits", bits=KEY_BITS)
    return key


def public_key(text: str, field: str) -> RSAPublicKey:
    """Read Alipay's public key, as PEM or bare base64. Raises Invalid naming `field`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(_der(text))
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid(
            field, "must be an RSA public key (not a certificate), as PEM or base64"
        ) from None
    if not isinstance(key, RSAPublicKey):
        raise Invalid(field, "must be an RSA public key")
    return key


def _der(text: str) -> bytes:
    """Decode the body of a PEM, or the whole of a text without PEM lines."""
    lines = [line.strip() for line in text.splitlines()]
    body = " ".join(line for line in lines if not line.startswith("-----"))
    return b64decode("".join(body.split()), validate=True)


def canonical(parameters: Mapping[str, str]) -> bytes:
    """Return the bytes to sign: parameters with a value, without `sign`, sorted, before URL
    encoding.
    """
    names = sorted(name for name, value in parameters.items() if value and name != "sign")
    return "&".join(f"{name}={parameters[name]}" for name in names).encode()


def sign(data: bytes, key: RSAPrivateKey) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return b64encode(key.sign(data, PKCS1v15(), SHA256())).decode()


def is_signed(data: bytes, signature: str, key: RSAPublicKey) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        key.verify(b64decode(signature, validate=True), data, PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def members(text: str) -> Mapping[str, str]:
    """Return the raw text of each member of a JSON object.

    An answer's signature covers its member exactly as it was written. Raises ValueError for
    anything else, and for a repeated name: it would be unclear which member was signed.
    """
    decoder, raw = json.JSONDecoder(), dict[str, str]()
    at = _expect(text, 0, "{")
    while True:
        name, at = _value(decoder, text, at)
        if not isinstance(name, str) or name in raw:
            raise ValueError("not a name of its own")
        begin = _expect(text, at, ":")
        _, end = _value(decoder, text, begin)
        raw[name] = text[begin:end]
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            if _skip(text, at + 1) != len(text):
                raise ValueError("something follows the object")
            return raw
        at = _expect(text, at, ",")


def _value(decoder: json.JSONDecoder, text: str, at: int) -> tuple[object, int]:
    try:
        return decoder.raw_decode(text, at)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _expect(text: str, at: int, mark: str) -> int:
    """Return the position after the mark and the space around it."""
    at = _skip(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"no {mark}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
