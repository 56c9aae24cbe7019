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

from chalicelib.domain.channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid, Misconfigured, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.sending import (
    Account,
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    Loss,
    Outcome,
    OutgoingCall,
    ProviderIds,
    Receipt,
    Reply,
    Webhook,
    WebhookRequest,
)
from chalicelib.flow.ports import Session
from chalicelib.providers.base import (
    PlainSession,
    ask,
    check_names,
    optional_text,
    optional_url,
    required_text,
    settings,
    vendor_error,
    word,
)
from chalicelib.providers.sms import chuanglan_receipts, texts
from chalicelib.web.http import Http, Response

log = logging.getLogger(__name__)

BASE_URL = "https://smssh1.253.com"
CALL_SIZE = 1000
CHARACTERS = 536
PULLED = 100  # reports or replies of one answer at most

# "Return codes of the interface", apifox 473703, 1.6.2.1. Held back for an operator is what every message would meet.
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
    "115": Rejected,  # refused by review
    "116": Rejected,  # signature missing or not approved
    "117": Misconfigured,  # IP address not allowed
    "118": Misconfigured,  # no permission
    "119": Misconfigured,  # account expired
}
WRONG_NUMBER = "107"
VARIABLE = "{$var}"

# What may differ in a batch: short links. Commas and semicolons separate the values of a batch, and end a link here.
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+%=-]+", re.ASCII)


class Chuanglan:
    """Implements Provider. Credentials: account, password, and if pushes shall be verified receiver, pswd. Options: base_url, signature,
    extend."""

    capabilities = Capabilities(
        type=ChannelType.SMS,
        platform="chuanglan",
        call_size=CALL_SIZE,
        content_per_recipient=True,
        provider_ids=ProviderIds.PER_RECIPIENT,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        receipt_modes=frozenset({ReceiptMode.WEBHOOK, ReceiptMode.POLL}),
        credentials=settings("account password", "receiver pswd"),
        options=settings("", "base_url signature extend"),
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        required_text(raw, "account", "credentials", 50)
        required_text(raw, "password", "credentials", 100)
        if bool(optional_text(raw, "receiver", "credentials", 100)) != bool(optional_text(raw, "pswd", "credentials", 100)):
            raise Invalid("credentials.pswd", "and receiver belong together")
        optional_url(options, "base_url", self._http.policy)
        texts.check_signature(options)
        extend = optional_text(options, "extend", "options", 6)
        if extend and not (extend.isascii() and extend.isdigit()):
            raise Invalid("options.extend", "must be digits")

    def check_content(self, content: Mapping[str, Any]) -> None:
        texts.check_content(content, CHARACTERS)
        if VARIABLE in content["content"]:
            raise Invalid("content", f"must not contain {VARIABLE}, which is the platform's own placeholder")

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """The vendor signs nothing; it can be told to say a name and a password."""
        return {name: str(credentials[name]) for name in ("receiver", "pswd") if credentials.get(name)}

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
        self._extend = {"extend": str(account.options["extend"])} if account.options.get("extend") else {}

    def check(self) -> None:
        """The balance of the account."""
        reply = ask(self._http, "POST", f"{self._base_url}/msg/balance/json", json=self._login)
        if _code(reply) != "0":
            raise _error(reply)

    def send(self, call: OutgoingCall) -> Answer:
        """A number that stands in a call twice is sent to once now and once later, since an id of a delivery is message and number."""
        outcomes: list[Outcome | None] = [None] * len(call.recipients)
        batch: dict[str, tuple[int, str]] = {}
        for place, recipient in enumerate(call.recipients):
            number = texts.mainland(recipient.contact)
            if number is None:
                outcomes[place] = Outcome(Loss.INVALID_TARGET, "not_a_mainland_number")
            elif number in batch:
                outcomes[place] = Outcome(code="repeated_number", later=True)
            else:
                batch[number] = place, texts.text_of(recipient, self._signature)
        if batch:
            sent = self._send({number: text for number, (_, text) in batch.items()})
            for number, (place, _) in batch.items():
                outcomes[place] = sent[number]
        return Answer([outcome for outcome in outcomes if outcome is not None])

    def _send(self, batch: Mapping[str, str]) -> Mapping[str, Outcome]:
        body: Mapping[str, str]
        if len(set(batch.values())) == 1:
            path, body = "/msg/v1/send/json", {"msg": next(iter(batch.values())), "phone": ",".join(batch)}
        else:
            path, body = "/msg/variable/json", variables(batch)
        reply = self._http.request("POST", self._base_url + path, json={**self._login, **body, "report": "true", **self._extend})
        code = _code(reply)
        if code == WRONG_NUMBER and len(batch) == 1:
            return dict.fromkeys(batch, Outcome(Loss.INVALID_TARGET, code))
        if code != "0":
            raise _error(reply)
        answer = reply.json()
        failed, msg_id = word(answer.get("failNum")), word(answer.get("msgId"))
        if failed not in ("", "0"):  # nothing says who: their receipts will not come
            log.warning("numbers of a batch refused", extra={"provider": "chuanglan", "count": failed[:10]})
        if not msg_id:
            return dict.fromkeys(batch, Outcome(code="no_msg_id", uncertain=True))
        return {number: Outcome(provider_id=chuanglan_receipts.delivery_id(msg_id, number)) for number in batch}

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        """Reports and replies of the whole account. Each is handed out once: what is lost between this answer and the ledger is lost."""
        found: list[Receipt | Reply] = list(chuanglan_receipts.read_reports(self._pull("/msg/pull/report")))
        try:
            found += chuanglan_receipts.read_replies(self._pull("/msg/pull/mo"))
        except ProviderError as error:  # the reports are here already, and come only once
            log.warning("replies not pulled", extra={"provider": "chuanglan", "provider_code": error.code[:20]})
        return found

    def _pull(self, path: str) -> Sequence[Any]:
        return texts.pulled(lambda: self._pull_once(path), PULLED)

    def _pull_once(self, path: str) -> Sequence[Any]:
        reply = ask(self._http, "POST", self._base_url + path, json={**self._login, "count": str(PULLED)})
        body = reply.json()
        listed = body.get("result") if isinstance(body, dict) else None
        if reply.status == 200 and _code(reply) == "0":
            return listed if isinstance(listed, list) else []
        error = _error(reply)
        raise Unavailable(error.code) if isinstance(error, Uncertain) else error


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
    return word(body.get("code")) or word(body.get("ret"))


def _error(reply: Response) -> ProviderError:
    code = _code(reply)
    return vendor_error(reply, ERRORS, {200: Rejected} if code not in ("", "0") else {}, code if code != "0" else None)
