"""Keys, accounts and answers of Alipay for its tests."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.domain.provider_io import Account, Answer
from chalicelib.providers.alipay_life import alipay_signing
from chalicelib.providers.alipay_life.alipay import ANSWER, Alipay
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS1, PKCS8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
OURS = rsa.generate_private_key(65537, 2048)
THEIRS = rsa.generate_private_key(65537, 2048)
THEIR_PUBLIC = base64.b64encode(THEIRS.public_key().public_bytes(DER, SPKI)).decode()
OUR_PKCS8 = base64.b64encode(OURS.private_bytes(DER, PKCS8, PLAIN)).decode()
CREDENTIALS = {"app_id": "2014072300007148", "private_key": OUR_PKCS8}

CONTENT = {
    "template_id": "e5326c1d5c71419893646ad9571a93e8",
    "context": {
        "head_color": "#85be53",
        "url": "https://shop.example/o/1",
        "action_name": "查看详情",
        "keyword1": {"color": "#85be53", "value": "已发货"},
        "keyword2": {"value": "1042"},
        "remark": {"value": "谢谢"},
    },
}

NOW = 1767294245.0  # 2026-01-02 03:04:05 in China


def answered(
    inner: dict[str, Any] | str,
    name: str = ANSWER,
    key: rsa.RSAPrivateKey | None = None,
    status: int = 200,
) -> Response:
    """Return an answer like the gateway's, whose signature covers the inner object exactly as
    written.
    """
    raw = inner if isinstance(inner, str) else json.dumps(inner)
    sign = f', "sign": "{alipay_signing.sign(raw.encode(), key)}"' if key else ""
    return Response(status, {}, f'{{"{name}": {raw}{sign}}}'.encode())


def sent(
    answer: Response | Exception, contact: str = "2088102122458832", **credentials: str
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(answer)
    provider = Alipay(http(transport), lambda: NOW)
    with provider.connect(Account("life", {**CREDENTIALS, **credentials})) as session:
        assert session.token() is None
        return session.send(call(contact, content=CONTENT)), transport


SUCCESS = {"code": "10000", "msg": "Success"}
