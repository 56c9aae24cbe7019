"""Rules and errors of Alipay's gateway for `alipay.open.public.message.single.send`.

Sources: https://opendocs.alipay.com/common/02km9f (codes),
https://opendocs.alipay.com/common/057k53 (signatures),
https://opendocs.alipay.com/apis/api_6/alipay.open.public.message.single.send.
The list of business codes is not public.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

METHOD = "alipay.open.public.message.single.send"
ANSWER = METHOD.replace(".", "_") + "_response"
# Required fields, with their names in the error.
REQUIRED = {
    "method": "method",
    "app_id": "app-id",
    "sign_type": "signature-type",
    "sign": "signature",
    "timestamp": "timestamp",
    "version": "version",
}
LENGTHS = {"head_color": 10, "url": 256, "action_name": 16}
VALUE = 128

MESSAGES = {
    "10000": "Success",
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40005": "Call Limited",
}


class Problem(Exception):
    """An error answer. It is signed only if the caller is known to be the application."""

    def __init__(self, code: str, sub_code: str = "", *, is_signed: bool = True) -> None:
        super().__init__(sub_code or code)
        self.code, self.sub_code, self.is_signed = code, sub_code, is_signed

    def answer(self) -> Mapping[str, str]:
        sub = {"sub_code": self.sub_code, "sub_msg": self.sub_code} if self.sub_code else {}
        return {"code": self.code, "msg": MESSAGES[self.code], **sub}


def check_envelope(fields: Mapping[str, str], app_key: str | None) -> None:
    """Check the fields around a message with `app_key`, the application's public key.

    Any plausible signature is right until the key is registered. Raises Problem.
    """
    for name, missing in REQUIRED.items():
        if not fields.get(name):
            raise Problem("40001", f"isv.missing-{missing}", is_signed=False)
    wrong = {
        "method": fields["method"] != METHOD,
        "signature-type": fields["sign_type"] != "RSA2",
        "charset": fields.get("charset", "utf-8").lower() != "utf-8",
        "timestamp": not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", fields["timestamp"]),
        "signature": not _is_signed(fields, app_key),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise Problem("40002", f"isv.invalid-{name}", is_signed=False)


def _is_signed(fields: Mapping[str, str], app_key: str | None) -> bool:
    try:
        signature = base64.b64decode(fields["sign"], validate=True)
        if app_key is None:
            return len(signature) >= 256
        der = base64.b64decode(re.sub(r"-----[A-Z ]+-----|\s", "", app_key))
        key = serialization.load_der_public_key(der)
        assert isinstance(key, rsa.RSAPublicKey)
        signed = "&".join(
            f"{name}={value}" for name, value in sorted(fields.items()) if name != "sign" and value
        )
        key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, AssertionError, InvalidSignature):
        return False
    return True


def message(raw: str) -> tuple[str, Mapping[str, Any]]:
    """Return the person and the template of a valid message. Raises Problem."""
    try:
        business = json.loads(raw)
        person = business.get("to_user_id") or business.get("to_open_id")
        template = business["template"]
        context = template["context"]
        texts = [
            (template["template_id"], 128),
            *((context[name], limit) for name, limit in LENGTHS.items()),
        ]
        values = [value for name, value in context.items() if name not in LENGTHS]
        texts += [(value["value"], VALUE) for value in values]
        good = isinstance(person, str) and person and "keyword1" in context
        good = good and all(
            isinstance(text, str) and 0 < len(text) <= limit for text, limit in texts
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        good = False
    if not good:
        raise Problem("40002", "isv.invalid-parameter")
    if template["template_id"].startswith("TM"):
        raise Problem("40004", "PUB.MSG_TEMPLATE_NOT_EXIST")
    return person, template
