"""Montnets (梦网): texts in batches, by the platform's own HTTP API.

Sources: "梦网平台 API 接口说明" V5.7.2 (send_batch, send_multi, get_rpt, get_mo, get_balance,
in UTF-8) and V5.2 (batch_send, multi_send, in GBK). `custid` is echoed, not recognised: there is no
idempotency token.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
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
from chalicelib.providers import refusals
from chalicelib.providers.base import (
    CHINA,
    PlainSession,
    check_names,
    coded_error,
    identifier,
    optional_text,
    optional_url,
    required_text,
    settings,
)
from chalicelib.providers.sms import montnets_receipts, platform, receipts
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

PATH = "/sms/v2/std/"
# Different contents of one call: V5.2 takes 100, V5.7 500. Of one content both take 1,000.
CALL_SIZE = 100
REPORTS, REPLIES = 500, 200  # of one answer at most

# charset -> (calls for one content and for several, characters of a text)
INTERFACES = {"utf-8": ("send_batch", "send_multi", 1000), "gbk": ("batch_send", "multi_send", 350)}

# "Error codes", V5.7.2, 4. They come as negative numbers. Misconfigured: every message would meet
# the error, so it waits for an operator.
ERRORS: Mapping[str, type[ProviderError]] = {
    "100001": Misconfigured,  # authentication
    "100002": Misconfigured,  # authentication, several times
    "100003": Misconfigured,  # no credit
    "100004": Rejected,  # custid or exdata
    "100011": Rejected,  # text too long
    "100012": Rejected,  # a number is not valid
    "100014": Rejected,  # too many numbers
    "100029": Misconfigured,  # port not bound
    "100056": Throttled,  # more connections than the account has
    "100057": Misconfigured,  # IP address not allowed
    "100060": Rejected,  # as many numbers as texts
    "100070": Misconfigured,  # no permission for this call
    "100092": Rejected,  # not readable
    "100093": Rejected,
    "100095": Rejected,
    "100096": Rejected,
    "100098": Rejected,
    "100100": Rejected,  # content type
    "100101": Misconfigured,  # sign
    "100106": Rejected,  # no text
    "100252": Misconfigured,  # svrtype
    "100267": Misconfigured,  # text cannot be decrypted
    "100999": Unavailable,  # database
}
WRONG_NUMBER = "100012"

# Eleven digits that look like the mainland, but are not a mobile number, belong to nobody. With 00
# in front they would be a number of another country.
_NUMBER = re.compile(r"(?!1[0-2]\d{9}$)\+?\d{5,20}", re.ASCII)
_CUSTID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Montnets:
    """Implements Provider.

    Credentials: userid, password. Options: base_url, auth (md5, plain), charset (utf-8, gbk),
    signature, svrtype, exno.
    """

    capabilities = platform.capabilities(
        "montnets",
        CALL_SIZE,
        settings("userid password"),
        settings("base_url", "auth charset signature svrtype exno"),
    )

    def __init__(self, http: Http, clock: Callable[[], float] = time.time) -> None:
        self._http, self._clock = http, clock

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        if not identifier(required_text(raw, "userid", "credentials", 6)):
            raise Invalid("credentials.userid", "must be visible ASCII characters")
        required_text(raw, "password", "credentials", 100)
        # Each account has its own address: there is not a common one.
        required_text(options, "base_url", "options", 2048)
        url = optional_url(options, "base_url", self._http.policy)
        for name, allowed in (("auth", ("md5", "plain")), ("charset", tuple(INTERFACES))):
            if (optional_text(options, name, "options") or allowed[0]) not in allowed:
                raise Invalid(f"options.{name}", "must be one of {allowed}", allowed=allowed)
        is_public = url.startswith("http:") and not self._lists(url)
        if options.get("auth") == "plain" and is_public:
            raise Invalid(
                "options.auth",
                "must be md5 for an address without TLS, or others could read the password",
            )
        platform.check_signature(options)
        service = optional_text(options, "svrtype", "options")
        if not re.fullmatch(r"[A-Za-z0-9]{0,32}", service, re.ASCII):
            raise Invalid("options.svrtype", "must be at most 32 letters and digits")
        platform.check_digits(options, "exno", 6)

    def _lists(self, url: str) -> bool:
        return self._http.policy.lists(urlsplit(url).hostname or "")

    def check_content(self, content: Mapping[str, Any]) -> None:
        platform.check_content(content, max(characters for _, _, characters in INTERFACES.values()))

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the credentials: pushes are authenticated in the same way as calls."""
        return {name: str(credentials[name]) for name in ("userid", "password")}

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(MontnetsSession(account, self._http, self._clock))

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return montnets_receipts.read_push(request, secret)


class MontnetsSession(PlainSession):
    """Implements Session."""

    def __init__(self, account: Account, http: Http, clock: Callable[[], float]) -> None:
        options = account.options
        self._http, self._clock = http, clock
        self._userid, self._password = (
            str(account.credentials[name]) for name in ("userid", "password")
        )
        self._base_url = str(options["base_url"]).rstrip("/").removesuffix(PATH.rstrip("/")) + PATH
        self._is_plain = options.get("auth") == "plain"
        self._charset = str(options.get("charset") or "utf-8")
        self._signature = str(options.get("signature") or "")
        self._extra = {
            name: str(options[name]) for name in ("svrtype", "exno") if options.get(name)
        }

    def check(self) -> None:
        """Fetch the balance of the account."""
        self._query("get_balance")

    def _login(self) -> Mapping[str, str]:
        if self._is_plain:
            return {"userid": self._userid, "pwd": self._password}
        stamp = datetime.fromtimestamp(self._clock(), CHINA).strftime("%m%d%H%M%S")
        pwd = montnets_receipts.password_digest(self._userid, self._password, stamp)
        return {"userid": self._userid.upper(), "pwd": pwd, "timestamp": stamp}

    def send(self, call: OutgoingCall) -> Answer:
        positions = [
            n for n, recipient in enumerate(call.recipients) if _NUMBER.fullmatch(recipient.contact)
        ]
        outcomes = [Outcome(Loss.INVALID_TARGET, "not_a_number")] * len(call.recipients)
        if positions:
            recipients = [call.recipients[n] for n in positions]
            numbers = numbers_of([recipient.contact for recipient in recipients])
            texts = [platform.text_of(recipient, self._signature) for recipient in recipients]
            sent = self._send(call.msgid, numbers, texts)
            for n, outcome in zip(positions, sent, strict=True):
                outcomes[n] = outcome
        return Answer(outcomes)

    def _send(self, msgid: str, numbers: Sequence[str], texts: Sequence[str]) -> Sequence[Outcome]:
        path, body = self._request(msgid, numbers, texts)
        reply = self._http.request("POST", self._base_url + path, json={**self._login(), **body})
        result = _result(reply)
        if result == WRONG_NUMBER:
            names = refusals.named(reply.json().get("desc"), numbers)
            return refusals.refused(numbers, refusals.invalid(result), names)
        if result != "0":
            raise coded_error(reply, ERRORS, result)
        first = montnets_receipts.long(reply.json().get("msgid"))
        if not first:
            return [Outcome(code="no_msg_id", uncertain=True)] * len(numbers)
        msgids = range(first, first + len(numbers))
        return [Outcome(provider_id=montnets_receipts.delivery_id(msgid)) for msgid in msgids]

    def _request(
        self, msgid: str, numbers: Sequence[str], texts: Sequence[str]
    ) -> tuple[str, Mapping[str, Any]]:
        """Return path and body.

        One API takes one text for all numbers, the other a text for each.
        """
        same, several, _ = INTERFACES[self._charset]
        extra = {**self._extra, "custid": msgid} if _CUSTID.fullmatch(msgid) else self._extra
        if len(set(texts)) == 1:
            return same, {
                "mobile": ",".join(numbers),
                "content": self._encoded(texts[0]),
                **extra,
            }
        messages = [
            {"mobile": number, "content": self._encoded(text), **extra}
            for number, text in zip(numbers, texts, strict=True)
        ]
        return several, {"multimt": messages}

    def _encoded(self, text: str) -> str:
        """Encode a text. GB 18030 is GBK, and has the characters that GBK lacks."""
        encoding = "gb18030" if self._charset == "gbk" else "utf-8"
        return quote(text, safe="", encoding=encoding, errors="replace")

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        return receipts.polled(
            lambda: montnets_receipts.read_reports(self._pull("get_rpt", "rpts", REPORTS)),
            lambda: montnets_receipts.read_replies(self._pull("get_mo", "mos", REPLIES)),
            "montnets",
        )

    def _pull(self, path: str, name: str, size: int) -> Sequence[Any]:
        """Pull a list. A long text has a report for each part, of which one counts."""
        return receipts.pulled(lambda: self._query(path, retsize=size).get(name), size)

    def _query(self, path: str, **parameters: int) -> Mapping[str, Any]:
        body = {**self._login(), **parameters}
        return platform.query(self._http, self._base_url + path, body, _result, ERRORS)


def numbers_of(contacts: Sequence[str]) -> Sequence[str]:
    """Return the numbers of one call in the form of V5.7.2, 3.2.

    Mainland numbers are bare, unless others are among them. The other numbers begin with 00.
    """
    mainland = [platform.mainland(contact) for contact in contacts]
    if all(mainland):
        return [number or "" for number in mainland]
    pairs = zip(contacts, mainland, strict=True)
    return [
        f"0086{number}" if number else "00" + contact.removeprefix("+").removeprefix("00")
        for contact, number in pairs
    ]


def _result(reply: Response) -> str:
    """Return `result` without its sign, or an empty text if there is none.

    One edition of the error table has the sign, and another has not.
    """
    body = reply.json()
    return identifier(body.get("result")).removeprefix("-") if isinstance(body, dict) else ""
