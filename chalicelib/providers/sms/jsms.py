"""JSMS (Jiguang's SMS): template messages in batches.

Sources: https://docs.jiguang.cn/jsms/server/rest_api_jsms, …/rest_api_summary,
…/rest_api_jsms_inquire, …/callback. JSMS has no idempotency token: the operator chooses per channel
what to do with a call whose answer did not come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    SignatureGone,
    TemplateGone,
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
from chalicelib.domain.templates import placeholders
from chalicelib.ports import Registry, Session
from chalicelib.providers import refusals
from chalicelib.providers.base import (
    PlainSession,
    check_names,
    error_code,
    identifier,
    number,
    optional_url,
    required_text,
    safe_error,
    safe_request,
    settings,
    vendor_error,
)
from chalicelib.providers.sms import jsms_receipts, jsms_registry, platform, receipts
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

BASE_URL = "https://api.sms.jpush.cn"
CALL_SIZE = 1000

# JSMS REST API, "return codes": https://docs.jiguang.cn/jsms/server/rest_api_jsms. Codes of the
# whole call, without those of the verification-code API. Misconfigured: every message would meet
# the error, so it waits for an operator. Rejected: only this message meets it.
ERRORS: Mapping[str, type[ProviderError]] = {
    "50001": Misconfigured,  # no authentication
    "50002": Misconfigured,  # authentication failed
    "50003": Rejected,  # no body
    "50004": Rejected,  # no mobile
    "50005": Rejected,  # no temp_id
    "50006": Rejected,  # invalid mobile
    "50007": Rejected,  # invalid body
    "50008": Misconfigured,  # not registered for SMS
    "50009": Throttled,  # too often
    "50013": TemplateGone,  # invalid temp_id
    "50014": Misconfigured,  # no balance
    "50016": Misconfigured,  # no such API: a wrong address
    "50017": Misconfigured,
    "50018": Misconfigured,
    "50019": Unavailable,  # server error
    "50020": Rejected,  # template still in review
    "50021": Rejected,  # template refused
    "50022": Rejected,  # parameters missing
    "50023": Rejected,  # parameter empty
    "50024": Rejected,  # unsubscribed
    "50025": Rejected,  # wrong kind of template
    "50030": Rejected,  # no recipients
    "50031": Rejected,  # more than 1,000
    "50034": Rejected,  # repeated
    "50035": Misconfigured,  # IP address not allowed
    "50036": Misconfigured,  # application blocked
    "50037": Rejected,  # forbidden word
    "50038": Rejected,  # length of a code
    "50046": Misconfigured,  # no signature set for the application
    "50102": SignatureGone,  # invalid sign_id
}
# JSMS answers 403 to most business errors, so 403 with a code says nothing about the credentials.
# A 403 without one is of somebody before JSMS, such as a firewall, who refuses every message.
STATUSES: Mapping[int, type[ProviderError]] = {403: Rejected}

# Codes for one recipient of a batch: the number is bad, or its owner has unsubscribed.
INVALID_TARGET = frozenset({"50004", "50006", "50024"})
# Codes for one recipient that end after a while, or when an operator has acted.
LATER = frozenset({"50008", "50009", "50014", "50019", "50035", "50036", "50046"})


class Jsms:
    """Implements Provider."""

    capabilities = replace(
        platform.capabilities(
            "jsms", CALL_SIZE, settings("app_key master_secret"), settings("", "base_url")
        ),
        registers=jsms_registry.REGISTERS,
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        if ":" in required_text(raw, "app_key", "credentials"):
            raise Invalid("credentials.app_key", "must not contain a colon")
        required_text(raw, "master_secret", "credentials")
        optional_url(options, "base_url", self._http.policy)

    def check_content(self, content: Mapping[str, Any]) -> None:
        """Check `{sign_id?, temp_id, temp_para?}`.

        A call has one template.

        The ids are numbers or digits, without placeholders. An empty `sign_id` means the
        application's default one.
        """
        check_names(content, ("sign_id", "temp_id", "temp_para"), "")
        if number(content.get("temp_id")) is None:
            raise Invalid("temp_id", "is required and must be a number")
        # Clients with typed fields send 0 for the default one.
        if content.get("sign_id") not in (None, "", 0) and number(content["sign_id"]) is None:
            raise Invalid("sign_id", "must be a number")
        para = content.get("temp_para") or {}
        if not isinstance(para, Mapping):
            raise Invalid("temp_para", "must be an object")
        for name, value in para.items():
            is_simple = isinstance(value, str | int | float) and not isinstance(value, bool)
            if not is_simple or placeholders(str(name)):
                raise Invalid(f"temp_para.{name}", "must be a text or number under a fixed name")

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the credentials: the vendor signs with the master secret itself."""
        return {"app_key": credentials["app_key"], "master_secret": credentials["master_secret"]}

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(JsmsSession(account, self._http))

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return jsms_receipts.read_callback(request, secret)


class JsmsSession(PlainSession):
    """Implements Session."""

    def __init__(self, account: Account, http: Http) -> None:
        self._http, self._account = http, account
        self._auth = (
            str(account.credentials["app_key"]),
            str(account.credentials["master_secret"]),
        )
        self._base_url = str(account.options.get("base_url") or BASE_URL).rstrip("/")

    def check(self) -> None:
        """Fetch the balance of the account."""
        self._get("/v1/accounts/app", dict)

    def send(self, call: OutgoingCall) -> Answer:
        reply = self._http.request(
            "POST", f"{self._base_url}/v1/messages/batch", json=batch(call), auth=self._auth
        )
        body = reply.json()
        listed = body.get("recipients") if isinstance(body, dict) else None
        if isinstance(listed, list) and (reply.status == 200 or listed):
            return answer(call, listed)
        code = error_code(body)
        if code in INVALID_TARGET:
            contacts = [_mobile(recipient.contact) for recipient in call.recipients]
            names = refusals.named(body["error"].get("message"), contacts)
            return Answer(refusals.refused(contacts, refusals.invalid(str(code)), names))
        raise _error(reply)

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        """Poll up to 500 of each, at most once in five seconds.

        With a callback set at JSMS, none come.
        """
        return receipts.polled(
            lambda: jsms_receipts.read_reports(self._get("/v1/report", list)),
            lambda: jsms_receipts.read_replies(self._get("/v1/reply", list)),
            "jsms",
        )

    def registry(self) -> Registry:
        return jsms_registry.JsmsRegistry(self._account, self._ask, self._safe, _read)

    def _ask(self, method: str, path: str, **options: Any) -> Response:
        return self._http.request(method, self._base_url + path, auth=self._auth, **options)

    def _safe(self, method: str, path: str, **options: Any) -> Response:
        """Ask what may be asked again."""
        url = self._base_url + path
        return safe_request(self._http, method, url, auth=self._auth, **options)

    def _get(self, path: str, expected: type) -> Any:
        reply = safe_request(self._http, "GET", self._base_url + path, auth=self._auth)
        body = reply.json()
        if reply.status == 200 and isinstance(body, expected):
            return body
        raise safe_error(_error(reply))


def _error(reply: Response) -> ProviderError:
    return vendor_error(reply, ERRORS, STATUSES if error_code(reply.json()) else {})


def _read(reply: Response) -> Mapping[str, Any]:
    """Return a successful answer about a template, which may have no body."""
    body = reply.json() if reply.body.strip() else {}
    is_taken = reply.status == 200 and error_code(body) in (None, "50000")
    if is_taken and isinstance(body, Mapping):
        return body
    raise _error(reply)


def batch(call: OutgoingCall) -> dict[str, Any]:
    """Return the body of POST /v1/messages/batch."""
    common = {_template(recipient.content) for recipient in call.recipients}
    if len(common) != 1:
        raise Rejected("mixed_templates")
    sign_id, temp_id = common.pop()
    recipients = []
    for recipient in call.recipients:
        entry: dict[str, Any] = {"mobile": _mobile(recipient.contact)}
        para = recipient.content.get("temp_para")
        if para:
            entry["temp_para"] = {str(name): str(value) for name, value in para.items()}
        recipients.append(entry)
    body: dict[str, Any] = {"temp_id": temp_id, "recipients": recipients}
    return body if sign_id is None else {"sign_id": sign_id, **body}


def answer(call: OutgoingCall, listed: Sequence[Any]) -> Answer:
    """Return one outcome per recipient, matched by number: JSMS does not promise the order.

    Raises the error of the whole call if every recipient failed for a reason outside the
    recipients.
    """
    by_number: dict[str, list[Outcome]] = defaultdict(list)
    for entry in listed:
        if isinstance(entry, Mapping):
            by_number[_mobile(str(entry.get("mobile", "")))].append(_outcome(entry))
    outcomes = []
    for recipient in call.recipients:
        candidates = by_number[_mobile(recipient.contact)]
        outcomes.append(
            candidates.pop(0) if candidates else Outcome(code="not_in_answer", uncertain=True)
        )
    if outcomes and all(outcome.later for outcome in outcomes):
        raise ERRORS[outcomes[0].code](outcomes[0].code)
    return Answer(outcomes)


def _outcome(entry: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a recipient.

    The code decides: a refused recipient may have a msg_id too.
    """
    code, msg_id = identifier(entry.get("error_code")), identifier(entry.get("msg_id"))
    if code in LATER:
        return Outcome(code=code, later=True)
    if code:
        return Outcome(Loss.INVALID_TARGET if code in INVALID_TARGET else Loss.SUBMIT_FAILED, code)
    return Outcome(provider_id=msg_id) if msg_id else Outcome(code="no_msg_id", uncertain=True)


def _mobile(contact: str) -> str:
    """Return the bare number of the mainland, as JSMS documents it."""
    return platform.mainland(contact) or contact


def _template(content: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return sign_id and temp_id. UMS clients send the ids as numbers or digits."""
    return number(content.get("sign_id")), number(content.get("temp_id"))
