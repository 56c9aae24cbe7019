"""Chuanglan (253): texts in batches to numbers of the Chinese mainland.

Sources: https://doc.chuanglan.com (texts and signatures, pushes), "send", "variable", "pull" of the API 1.4 under
https://apifox.com/apidoc/docs-site/473703. `uid` is echoed, not recognised: there is no idempotency token.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
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
    Receipt,
    Reply,
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import Session
from chalicelib.providers.base import (
    PlainSession,
    check_names,
    coded_error,
    identifier,
    optional_text,
    optional_url,
    required_text,
    safe_error,
    safe_request,
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

# "Return codes of the interface", apifox 473703, 1.6.2.1; those that it lacks as other editions and
# programs of its users list them. Held back for an operator is what every message would meet.
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
WRONG_NUMBER = frozenset({"107", "133"})
VARIABLE = "{$var}"

# What may differ in a batch: short links. Commas and semicolons separate the values of a batch, and
# end a link here.
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+%=-]+", re.ASCII)


class Chuanglan:
    """Implements Provider. Credentials: account, password, and if pushes shall be verified receiver, pswd. Options: base_url, signature,
    extend."""

    capabilities = platform.capabilities(
        "chuanglan",
        CALL_SIZE,
        settings("account password", "receiver pswd"),
        settings("", "base_url signature extend"),
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        required_text(raw, "account", "credentials", 50)
        required_text(raw, "password", "credentials", 100)
        if bool(optional_text(raw, "receiver", "credentials", 100)) != bool(
            optional_text(raw, "pswd", "credentials", 100)
        ):
            raise Invalid("credentials.pswd", "and receiver belong together")
        optional_url(options, "base_url", self._http.policy)
        platform.check_signature(options)
        platform.check_digits(options, "extend", 6)

    def check_content(self, content: Mapping[str, Any]) -> None:
        platform.check_content(content, CHARACTERS)
        if VARIABLE in content["content"]:
            raise Invalid(
                "content", f"must not contain {VARIABLE}, which is the platform's own placeholder"
            )

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """The vendor signs nothing; it can be told to say a name and a password."""
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
        """The balance of the account."""
        self._ask("/msg/balance/json")

    def send(self, call: OutgoingCall) -> Answer:
        """A number that stands in a call twice is sent to once now and once later, since an id of a delivery is message and number."""
        outcomes: list[Outcome | None] = [None] * len(call.recipients)
        batch: dict[str, tuple[int, str]] = {}
        for place, recipient in enumerate(call.recipients):
            number = platform.mainland(recipient.contact)
            if number is None:
                outcomes[place] = Outcome(Loss.INVALID_TARGET, "not_a_mainland_number")
            elif number in batch:
                outcomes[place] = Outcome(code="repeated_number", later=True)
            else:
                batch[number] = place, platform.text_of(recipient, self._signature)
        if batch:
            sent = self._send({number: text for number, (_, text) in batch.items()})
            for number, (place, _) in batch.items():
                outcomes[place] = sent[number]
        return Answer([outcome for outcome in outcomes if outcome is not None])

    def _send(self, batch: Mapping[str, str]) -> Mapping[str, Outcome]:
        body: Mapping[str, str]
        if len(set(batch.values())) == 1:
            path, body = (
                "/msg/v1/send/json",
                {"msg": next(iter(batch.values())), "phone": ",".join(batch)},
            )
        else:
            path, body = "/msg/variable/json", variables(batch)
        reply = self._http.request(
            "POST",
            self._base_url + path,
            json={**self._login, **body, "report": "true", **self._extend},
        )
        code = _code(reply)
        if code in WRONG_NUMBER and len(batch) == 1:
            return dict.fromkeys(batch, Outcome(Loss.INVALID_TARGET, code))
        if code != "0":
            raise coded_error(reply, ERRORS, code)
        answer = reply.json()
        failed, msg_id = identifier(answer.get("failNum")), identifier(answer.get("msgId"))
        if failed not in ("", "0"):  # nothing says who: their receipts will not come
            log.warning(
                "numbers of a batch refused", extra={"provider": "chuanglan", "count": failed[:10]}
            )
        if not msg_id:
            return dict.fromkeys(batch, Outcome(code="no_msg_id", uncertain=True))
        return {
            number: Outcome(provider_id=chuanglan_receipts.delivery_id(msg_id, number))
            for number in batch
        }

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        return receipts.polled(
            lambda: chuanglan_receipts.read_reports(self._pull("/msg/pull/report")),
            lambda: chuanglan_receipts.read_replies(self._pull("/msg/pull/mo")),
            "chuanglan",
        )

    def _pull(self, path: str) -> Sequence[Any]:
        return receipts.pulled(lambda: self._ask(path, count=str(PULLED)).get("result"), PULLED)

    def _ask(self, path: str, **more: str) -> Mapping[str, Any]:
        reply = safe_request(
            self._http, "POST", self._base_url + path, json={**self._login, **more}
        )
        code = _code(reply)
        if code != "0":
            raise safe_error(coded_error(reply, ERRORS, code))
        return reply.json()  # type: ignore[no-any-return]


def variables(batch: Mapping[str, str]) -> Mapping[str, str]:
    """One text with variables in the place of links, and per number its links: `13800000000,https://a;13900000000,https://b`."""
    fixed = {tuple(_LINK.split(text)) for text in batch.values()}
    parts = fixed.pop()
    if fixed or any(VARIABLE in part for part in parts):
        raise Rejected("mixed_contents")
    values = ";".join(",".join([number, *_LINK.findall(text)]) for number, text in batch.items())
    return {"msg": VARIABLE.join(parts), "params": values}


def _code(reply: Response) -> str:
    """`code`, which pulls also call `ret`; empty when there is none."""
    body = reply.json()
    if not isinstance(body, dict):
        return ""
    return identifier(body.get("code")) or identifier(body.get("ret"))
