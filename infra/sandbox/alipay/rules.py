"""What Alipay's gateway checks of a call of `alipay.open.public.message.single.send`, and its errors.

Sources: https://opendocs.alipay.com/common/02km9f (codes), https://opendocs.alipay.com/common/057k53 (signatures),
https://opendocs.alipay.com/apis/api_6/alipay.open.public.message.single.send. The list of business codes is not public.
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
REQUIRED = {
    "method": "method",
    "app_id": "app-id",
    "sign_type": "signature-type",
    "sign": "signature",
    "timestamp": "timestamp",
    "version": "version",
}  # and what the error calls them
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
    """An answer that is no success. Nothing is signed for who is not known to be the application."""

    def __init__(self, code: str, sub_code: str = "", *, is_signed: bool = True) -> None:
        super().__init__(sub_code or code)
        self.code, self.sub_code, self.is_signed = code, sub_code, is_signed

    def answer(self) -> Mapping[str, str]:
        sub = {"sub_code": self.sub_code, "sub_msg": self.sub_code} if self.sub_code else {}
        return {"code": self.code, "msg": MESSAGES[self.code], **sub}


def check_envelope(given: Mapping[str, str], app_key: str | None) -> None:
    """`app_key`: the application's public key; any signature that could be one is right until it is registered. Raises Problem."""
    for name, missing in REQUIRED.items():
        if not given.get(name):
            raise Problem("40001", f"isv.missing-{missing}", is_signed=False)
    wrong = {
        "method": given["method"] != METHOD,
        "signature-type": given["sign_type"] != "RSA2",
        "charset": given.get("charset", "utf-8").lower() != "utf-8",
        "timestamp": not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", given["timestamp"]),
        "signature": not _is_signed(given, app_key),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise Problem("40002", f"isv.invalid-{name}", is_signed=False)


def _is_signed(given: Mapping[str, str], app_key: str | None) -> bool:
    try:
        signature = base64.b64decode(given["sign"], validate=True)
        if app_key is None:
            return len(signature) >= 256
        der = base64.b64decode(re.sub(r"-----[A-Z ]+-----|\s", "", app_key))
        key = serialization.load_der_public_key(der)
        assert isinstance(key, rsa.RSAPublicKey)
        signed = "&".join(
            f"{name}={value}" for name, value in sorted(given.items()) if name != "sign" and value
        )
        key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, AssertionError, InvalidSignature):
        return False
    return True


def message(raw: str) -> tuple[str, Mapping[str, Any]]:
    """The person and the template of a message that keeps the rules; raises Problem."""
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
        texts += [(each["value"], VALUE) for each in values]
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
