"""Chuanglan (253): texts in batches to numbers of the Chinese mainland.

Sources: https://doc.chuanglan.com (texts and signatures, pushes), "send", "variable", "pull" of the
API 1.4 under https://apifox.com/apidoc/docs-site/473703. `uid` is echoed, not recognised: there is
no idempotency token.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    QuotaUsedUp,
    Rejected,
    Throttled,
    Unavailable,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    ProviderIds,
    Receipt,
    Reply,
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import Session
from chalicelib.providers import refusals
from chalicelib.providers.base import (
    PlainSession,
    check_names,
    coded_error,
    identifier,
    optional_text,
    optional_url,
    required_text,
    settings,
)
from chalicelib.providers.sms import chuanglan_receipts, platform, receipts
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

log = logging.getLogger(__name__)

BASE_URL = "https://smssh1.253.com"
CALL_SIZE = 1000
CHARACTERS = 536
PULLED = 100  # reports or replies of one answer at most

# "Return codes of the interface", apifox 473703, 1.6.2.1. Codes that it lacks are from other
# editions and from programs of its users. Misconfigured: every message would meet the error, so it
# waits for an operator.
ERRORS: Mapping[str, type[ProviderError]] = {
    "101": Misconfigured,  # no such account
    "102": Misconfigured,  # wrong password
    "103": Throttled,  # faster than the account allows
    "104": Unavailable,  # busy
    "105": Rejected,  # sensitive word
    "106": Rejected,  # no text, or too long
    "107": Rejected,  # a wrong number
    "108": Rejected,  # no number, or too many
    "109": Misconfigured,  # no credit
    "110": Unavailable,  # not at this time of day
    "111": Misconfigured,  # the month's limit
    "112": Misconfigured,  # product not ordered
    "113": Misconfigured,  # extend
    "114": Rejected,  # variables
    "115": Rejected,  # refused by review
    "116": Rejected,  # signature missing or not approved
    "117": Misconfigured,  # IP address not allowed
    "118": Misconfigured,  # no permission
    "119": Misconfigured,  # account expired
    "120": QuotaUsedUp,  # of the day
    "123": Misconfigured,  # kind of messages
    "124": Rejected,  # no template that was approved
    "125": Rejected,  # a template that was refused
    "128": Rejected,  # not readable
    "129": Rejected,  # not readable
    "130": Rejected,  # a parameter is missing
    "133": Rejected,  # the wrong number of a call with one
    "134": Misconfigured,  # the month's limit against abuse
    "135": Rejected,  # this text to this number too often
    "136": Rejected,  # a verification code to several numbers
}
# Refusals of a whole call because of some of its numbers.
OF_A_NUMBER: Mapping[str, Outcome] = {
    "107": refusals.invalid("107"),
    "133": refusals.invalid("133"),
    "135": Outcome(Loss.SUBMIT_FAILED, "135"),
}
VARIABLE = "{$var}"

# Only short links may differ within a batch. Commas and semicolons separate the values of a batch,
# so they end a link here.
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+%=-]+", re.ASCII)


class Chuanglan:
    """Implements Provider.

    Credentials: account, password, and receiver with pswd to verify pushes. Options: base_url,
    signature, extend.
    """

    capabilities = replace(
        platform.capabilities(
            "chuanglan",
            CALL_SIZE,
            settings("account password", "receiver pswd"),
            settings("", "base_url signature extend"),
        ),
        provider_ids=ProviderIds.PER_CALL,
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        required_text(raw, "account", "credentials", 50)
        required_text(raw, "password", "credentials", 100)
        receiver = optional_text(raw, "receiver", "credentials", 100)
        pswd = optional_text(raw, "pswd", "credentials", 100)
        if bool(receiver) != bool(pswd):
            raise Invalid("credentials.pswd", "required together with receiver")
        optional_url(options, "base_url", self._http.policy)
        platform.check_signature(options)
        platform.check_digits(options, "extend", 6)

    def check_content(self, content: Mapping[str, Any]) -> None:
        platform.check_content(content, CHARACTERS)
        if VARIABLE in content["content"]:
            reason = "must not contain {text}, which is the platform's own placeholder"
            raise Invalid("content", reason, text=VARIABLE)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """Return name and password of pushes. The vendor signs nothing, but can send both."""
        return {
            name: str(credentials[name]) for name in ("receiver", "pswd") if credentials.get(name)
        }

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(ChuanglanSession(account, self._http))

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return chuanglan_receipts.read_push(request, secret)


class ChuanglanSession(PlainSession):
    """Implements Session."""

    def __init__(self, account: Account, http: Http) -> None:
        self._http = http
        self._login = {name: str(account.credentials[name]) for name in ("account", "password")}
        self._base_url = str(account.options.get("base_url") or BASE_URL).rstrip("/")
        self._signature = str(account.options.get("signature") or "")
        self._extend = (
            {"extend": str(account.options["extend"])} if account.options.get("extend") else {}
        )

    def check(self) -> None:
        """Fetch the balance of the account."""
        self._query("/msg/balance/json")

    def send(self, call: OutgoingCall) -> Answer:
        """Send a call.

        A repeated number is sent to once now and once later.

        A report names the call and the number, so those of one call could not be told apart.
        """
        outcomes: list[Outcome | None] = [None] * len(call.recipients)
        batch: dict[str, tuple[int, str]] = {}
        msg_id = ""
        for n, recipient in enumerate(call.recipients):
            number = platform.mainland(recipient.contact)
            if number is None:
                outcomes[n] = Outcome(Loss.INVALID_TARGET, "not_a_mainland_number")
            elif number in batch:
                outcomes[n] = Outcome(code="repeated_number", later=True)
            else:
                batch[number] = n, platform.text_of(recipient, self._signature)
        if batch:
            sent, msg_id = self._send({number: text for number, (_, text) in batch.items()})
            for (n, _), outcome in zip(batch.values(), sent, strict=True):
                outcomes[n] = outcome
        return Answer([outcome for outcome in outcomes if outcome is not None], msg_id)

    def _send(self, batch: Mapping[str, str]) -> tuple[Sequence[Outcome], str]:
        """Return one outcome for each number, and the id of the call."""
        texts = set(batch.values())
        if len(texts) == 1:
            path, body = "/msg/v1/send/json", {"msg": texts.pop(), "phone": ",".join(batch)}
        else:
            path, body = "/msg/variable/json", variables(batch)
        body |= {**self._login, "report": "true", **self._extend}
        reply = self._http.request("POST", self._base_url + path, json=body)
        code = _code(reply)
        if code in OF_A_NUMBER:
            names = refusals.named(reply.json().get("errorMsg"), batch)
            return refusals.refused(list(batch), OF_A_NUMBER[code], names), ""
        if code != "0":
            raise coded_error(reply, ERRORS, code)
        msg_id = _msg_id(reply.json())
        outcome = Outcome() if msg_id else Outcome(code="no_msg_id", uncertain=True)
        return [outcome] * len(batch), msg_id

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        return receipts.polled(
            lambda: chuanglan_receipts.read_reports(self._pull("/msg/pull/report")),
            lambda: chuanglan_receipts.read_replies(self._pull("/msg/pull/mo")),
            "chuanglan",
        )

    def _pull(self, path: str) -> Sequence[Any]:
        return receipts.pulled(lambda: self._query(path, count=str(PULLED)).get("result"), PULLED)

    def _query(self, path: str, **parameters: str) -> Mapping[str, Any]:
        body = {**self._login, **parameters}
        return platform.query(self._http, self._base_url + path, body, _code, ERRORS)


def _msg_id(answer: Mapping[str, Any]) -> str:
    failed = identifier(answer.get("failNum"))
    if failed not in ("", "0"):  # nothing names the numbers: their receipts will not come
        extra = {"provider": "chuanglan", "count": failed[:10]}
        log.warning("numbers of a batch refused", extra=extra)
    return identifier(answer.get("msgId"))


def variables(batch: Mapping[str, str]) -> dict[str, str]:
    """Return one text with variables in the place of links, and the links of each number.

    The form of the links: `13800000000,https://a;13900000000,https://b`.
    """
    fixed = {tuple(_LINK.split(text)) for text in batch.values()}
    parts = fixed.pop()
    if fixed or any(VARIABLE in part for part in parts):
        raise Rejected("mixed_contents")
    values = ";".join(",".join([number, *_LINK.findall(text)]) for number, text in batch.items())
    return {"msg": VARIABLE.join(parts), "params": values}


def _code(reply: Response) -> str:
    """Return `code`, which pulls also call `ret`, or an empty text if there is none."""
    body = reply.json()
    if not isinstance(body, dict):
        return ""
    return identifier(body.get("code")) or identifier(body.get("ret"))
