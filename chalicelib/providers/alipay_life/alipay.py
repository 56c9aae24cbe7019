"""Alipay life accounts: template messages, one person per call.

Sources: https://opendocs.alipay.com/apis/api_6/alipay.open.public.message.single.send (the call),
https://opendocs.alipay.com/common/02km9f (codes of the gateway). Alipay has no idempotency token,
gives no message id and reports no deliveries: accepted means delivered.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    TemplateGone,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    Loss,
    Outcome,
    OutgoingCall,
    ProviderIds,
)
from chalicelib.ports import Session
from chalicelib.providers.alipay_life import alipay_content, alipay_signing
from chalicelib.providers.base import (
    CHINA,
    PlainProvider,
    PlainSession,
    check_names,
    coded_error,
    identifier,
    optional_text,
    optional_url,
    required_text,
    settings,
    vendor_error,
)
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

log = logging.getLogger(__name__)

GATEWAY = "https://openapi.alipay.com/gateway.do"
METHOD = "alipay.open.public.message.single.send"
ANSWER = METHOD.replace(".", "_") + "_response"
SUCCESS = "10000"

# Codes of the gateway: https://opendocs.alipay.com/common/02km9f (2026).
# Misconfigured: every message would meet the error, so it waits for an operator.
CODES: Mapping[str, type[ProviderError]] = {
    "20000": Unavailable,  # service not available, try later
    "20001": Misconfigured,  # app_auth_token: not valid, or expired
    "40001": Rejected,  # a parameter is missing
    "40002": Misconfigured,  # a parameter is invalid: of the envelope, but for the one below
    "40004": Rejected,  # business failed
    "40005": Throttled,
    "40006": Misconfigured,  # not permitted to this application
}
# Finer codes whose meaning differs from the code beside them.
SUB_CODES: Mapping[str, type[ProviderError]] = {
    "isv.missing-method": Misconfigured,
    "isv.missing-signature": Misconfigured,
    "isv.missing-signature-type": Misconfigured,
    "isv.missing-signature-key": Misconfigured,  # no public key was entered at Alipay
    "isv.missing-app-id": Misconfigured,
    "isv.missing-timestamp": Misconfigured,
    "isv.missing-version": Misconfigured,
    "isv.invalid-parameter": Rejected,
    # https://developer.aliyun.com/ask/285646: often the library's TM… instead of one's own id
    "PUB.MSG_TEMPLATE_NOT_EXIST": TemplateGone,
    "SYSTEM_ERROR": Unavailable,
}
# People who do not follow the life account get nothing until they do:
# https://developer.aliyun.com/ask/285647. Alipay does not tell us when they do. So that proves no
# contact dead.
INVALID_TARGET = frozenset({"PUB.MSG_SD_NOFOLLOW"})


class Alipay(PlainProvider):
    """Implements Provider.

    Credentials: app_id, private_key, and alipay_public_key to verify the answers.
    """

    capabilities = Capabilities(
        type=ChannelType.ALIPAY_LIFE,
        platform="alipay",
        call_size=1,
        content_per_recipient=True,
        provider_ids=ProviderIds.NONE,
        delivery_report=DeliveryReport.ACCEPTED,
        click_report=ClickReport.LINK,
        clickable=alipay_content.CLICKABLE,
        credentials=settings("app_id private_key", "alipay_public_key app_auth_token"),
        options=settings("", "base_url"),
        registers=alipay_content.REGISTERS,
    )

    def __init__(self, http: Http, clock: Callable[[], float] = time.time) -> None:
        self._http, self._clock = http, clock

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        if not identifier(required_text(raw, "app_id", "credentials", 32)):
            raise Invalid("credentials.app_id", "must be visible ASCII characters")
        private = required_text(raw, "private_key", "credentials")
        alipay_signing.private_key(private, "credentials.private_key")
        public = optional_text(raw, "alipay_public_key", "credentials")
        if public:
            alipay_signing.public_key(public, "credentials.alipay_public_key")
        optional_text(raw, "app_auth_token", "credentials", 40)
        optional_url(options, "base_url", self._http.policy)

    def check_content(self, content: Mapping[str, Any]) -> None:
        alipay_content.check(content)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(AlipaySession(account, self._http, self._clock))


class AlipaySession(PlainSession):
    """Implements Session."""

    def __init__(self, account: Account, http: Http, clock: Callable[[], float]) -> None:
        credentials = account.credentials
        self._http, self._clock = http, clock
        self._app_id = str(credentials["app_id"])
        self._app_auth_token = str(credentials.get("app_auth_token") or "")
        self._gateway = str(account.options.get("base_url") or GATEWAY)
        private, public = str(credentials["private_key"]), credentials.get("alipay_public_key")
        self._key = alipay_signing.private_key(private, "credentials.private_key", is_checked=True)
        self._alipay_key = None
        if public:
            field = "credentials.alipay_public_key"
            self._alipay_key = alipay_signing.public_key(str(public), field)

    def check(self) -> None:
        """Send a message to nobody.

        The gateway checks the application and its signature first, and refuses the message only
        then.
        """
        try:
            self._post({})
        except Rejected as error:
            if error.code.startswith("http_"):  # not an answer of the gateway
                raise Misconfigured(error.code) from error
        except Uncertain as error:
            is_unsigned = error.code == "answer_signature"
            raise (Misconfigured if is_unsigned else Unavailable)(error.code) from error

    def send(self, call: OutgoingCall) -> Answer:
        if len(call.recipients) != 1:
            raise Rejected("one_person_per_call")
        (recipient,) = call.recipients
        try:
            self._post(alipay_content.business(recipient.contact, recipient.content))
        except Rejected as error:
            if error.code in INVALID_TARGET:
                return Answer([Outcome(Loss.INVALID_TARGET, error.code)])
            raise
        return Answer([Outcome()])

    def _post(self, business: Mapping[str, Any]) -> None:
        """Call the gateway once. Raises the meaning of an answer that is not a success."""
        body = json.dumps(business, ensure_ascii=False, separators=(",", ":"))
        envelope = {
            "app_id": self._app_id,
            "method": METHOD,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": datetime.fromtimestamp(self._clock(), CHINA).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "app_auth_token": self._app_auth_token,
        }
        envelope = {name: value for name, value in envelope.items() if value}
        envelope["sign"] = alipay_signing.sign(
            alipay_signing.canonical({**envelope, "biz_content": body}), self._key
        )
        # The gateway looks for the charset in the address before it reads the form.
        reply = self._http.request(
            "POST", self._gateway, params=envelope, data={"biz_content": body}
        )
        self._read(reply)

    def _read(self, reply: Response) -> None:
        try:
            members = alipay_signing.members(reply.body.decode())
            raw = members.get(ANSWER) or members["error_response"]
            answer, signature = json.loads(raw), json.loads(members.get("sign", '""'))
            code, sub_code = identifier(answer.get("code")), identifier(answer.get("sub_code"))
        except (ValueError, KeyError, AttributeError):
            raise vendor_error(reply, CODES, {}) from None
        # The gateway does not sign its answer to a request that it could not verify.
        key = self._alipay_key if signature or code == SUCCESS else None
        # As Alipay's own Java library has it: a slash may be escaped after the answer is signed.
        written = (raw, raw.replace("\\/", "/"))
        if key is not None and not any(
            alipay_signing.is_signed(text.encode(), str(signature), key) for text in written
        ):
            fields = {"provider": "alipay", "provider_code": code[:20]}
            log.warning("answer not signed by the provider", extra=fields)
            raise Uncertain("answer_signature")
        if code != SUCCESS:
            raise _error(code, sub_code, reply)


def _error(code: str, sub_code: str, reply: Response) -> ProviderError:
    by_sub_code = SUB_CODES.get(sub_code) or SUB_CODES.get(sub_code.rpartition(".")[2])
    error = by_sub_code or CODES.get(code)
    if error is None:
        return coded_error(reply, CODES, sub_code or code)
    return error(sub_code or code)
