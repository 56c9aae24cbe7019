"""Encrypted callbacks, and XML from untrusted senders.

Source: developers.weixin.qq.com, "Message Encryption and Decryption". It is the safe mode of an
Official Account's server address, of a third-party platform, and of WeCom. SHA-1 over the sorted
parts, AES-256-CBC with the key's first half as IV, PKCS#7 to 32 bytes.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import struct
from hashlib import sha1
from typing import Any
from xml.parsers import expat

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.providers.base import milliseconds

BLOCK = 32
SALT = 16  # random bytes before the length
MAX_XML = 1_000_000  # bytes
MAX_ELEMENTS = 5_000
MAX_DEPTH = 8

WINDOW_MS = 10 * 60_000  # a post that stays unanswered is repeated within 15 seconds

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}", re.ASCII)


def is_aes_key(value: str) -> bool:
    """Return True for a possible EncodingAESKey: 32 bytes in base64, without the last `=`."""
    return _AES_KEY.fullmatch(value) is not None


def signature(*parts: str) -> str:
    """Return the signature in hex, by the vendor's algorithm.

    Parts are token, timestamp and nonce, and the ciphertext if there is one.
    """
    joined = "".join(sorted(parts)).encode("utf-8", "surrogatepass")
    return sha1(joined, usedforsecurity=False).hexdigest()


def check_signature(received: str, *parts: str) -> None:
    """Raise Unverified for a wrong signature. Takes constant time."""
    digest = received.lower().encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(digest, signature(*parts).encode()):
        raise Unverified("signature")


def check_time(request: WebhookRequest) -> None:
    """Raise Unverified for a post that was signed at another time: it is one of long ago."""
    sent = milliseconds(request.query.get("timestamp", ""))
    if sent is None or abs(request.now - sent) > WINDOW_MS:
        raise Unverified("timestamp")


class CallbackCrypto:
    """The envelope of callbacks.

    `receiver`: the id that the plaintext must name. It is an AppID, the component's AppID, or a
    CorpID.
    """

    def __init__(self, token: str, encoding_aes_key: str, receiver: str) -> None:
        if not is_aes_key(encoding_aes_key):
            raise Invalid("encoding_aes_key", "must be 43 letters, digits, + or /")
        self._token, self._receiver = token, receiver.encode()
        self._key = base64.b64decode(encoding_aes_key + "=")

    def verify(self, signature: str, timestamp: str, nonce: str, encrypted: str) -> None:
        """Raise Unverified for a wrong signature. Takes constant time."""
        check_signature(signature, self._token, timestamp, nonce, encrypted)

    def decrypt(self, encrypted: str) -> str:
        """Return the plaintext.

        Verify first.

        Raises Unverified for text that is not encrypted with this key, or not for this receiver.
        """
        try:
            sealed = base64.b64decode("".join(encrypted.split()), validate=True)
        except ValueError:
            raise Unverified("encrypted") from None
        plain = self._open(sealed)
        (size,) = struct.unpack(">I", plain[SALT : SALT + 4])
        content, receiver = plain[SALT + 4 : SALT + 4 + size], plain[SALT + 4 + size :]
        if len(content) != size or not hmac.compare_digest(receiver, self._receiver):
            raise Unverified("receiver")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise Unverified("encrypted") from None

    def _open(self, sealed: bytes) -> bytes:
        if not sealed or len(sealed) % 16:
            raise Unverified("encrypted")
        decryptor = self._cipher().decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        pad = padded[-1]
        if (
            not 1 <= pad <= BLOCK
            or padded[-pad:] != bytes([pad]) * pad
            or len(padded) - pad < SALT + 4
        ):
            raise Unverified("padding")
        return bytes(padded[:-pad])

    def encrypt(self, plain: str, nonce: str, timestamp: str) -> str:
        """Return the XML of a reply."""
        encrypted = self.seal(plain)
        signed = signature(self._token, timestamp, nonce, encrypted)
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{signed}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def seal(self, plain: str) -> str:
        """Return the ciphertext alone."""
        raw = plain.encode("utf-8")
        body = os.urandom(SALT) + struct.pack(">I", len(raw)) + raw + self._receiver
        pad = BLOCK - len(body) % BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(
            encryptor.update(body + bytes([pad]) * pad) + encryptor.finalize()
        ).decode("ascii")

    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))


def read_xml(body: bytes) -> dict[str, str]:
    """Return the texts within the root, without those of repeated names. Raises Invalid."""
    return {name: value for name, value in read_tree(body).items() if isinstance(value, str)}


def read_tree(body: bytes) -> dict[str, Any]:
    """Return texts, dicts for elements that hold others, and lists for repeated names.

    Raises Invalid.

    Declarations are refused, so that nothing can expand. Bytes, elements and depth are bounded.
    """
    if len(body) > MAX_XML:
        raise Invalid("body", "more than {most} bytes", most=MAX_XML)
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise Invalid("body", "is not readable XML") from None
    root = builder.root
    return root if isinstance(root, dict) else {}


class _Builder:
    """Build the tree from the parser's events."""

    def __init__(self) -> None:
        self.root: dict[str, Any] | str = ""
        self._open: list[tuple[dict[str, Any], list[str]]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise Invalid("body", "has too many elements")
        self._open.append(({}, []))

    def end(self, name: str) -> None:
        children, texts = self._open.pop()
        value = children or "".join(texts)
        if not self._open:
            self.root = value
            return
        around = self._open[-1][0]
        if name not in around:
            around[name] = value
        elif isinstance(around[name], list):
            around[name].append(value)
        else:
            around[name] = [around[name], value]

    def text(self, data: str) -> None:
        if self._open:
            self._open[-1][1].append(data)

    def refuse(self, *declaration: Any) -> None:
        raise Invalid("body", "must not declare a document type")
