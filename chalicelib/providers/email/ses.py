"""E-mail over Amazon SES, by its API v2: one mail a call, and receipts by SNS.

SES has no idempotency token. Source: docs.aws.amazon.com/ses/latest/APIReference-V2 (2026-11).
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    QuotaUsedUp,
    Rejected,
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
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import OwnRole, Session
from chalicelib.providers.base import (
    ErrorTable,
    PlainSession,
    check_names,
    identifier,
    optional_text,
    optional_url,
    required_text,
    safe_error,
    settings,
    vendor_error,
)
from chalicelib.providers.email import content, mail, reports, ses_signing
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,2}-\d{1,2}")
_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY = ("access_key_id", "secret_access_key", "session_token")
BY_ROLE = "function"  # the credential `role` of a channel that has no access key

# SendEmail, and "Common Error Types" of the same reference
_ERRORS: ErrorTable = {
    "AccountSuspendedException": Misconfigured,
    "SendingPausedException": Misconfigured,
    "MailFromDomainNotVerifiedException": Misconfigured,
    "NotFoundException": Misconfigured,  # the configuration set
    "AccessDeniedException": Misconfigured,
    "ExpiredTokenException": Misconfigured,
    "IncompleteSignature": Misconfigured,
    "InvalidClientTokenId": Misconfigured,
    "InvalidSignatureException": Misconfigured,
    "MissingAuthenticationTokenException": Misconfigured,
    "NotAuthorized": Misconfigured,
    "OptInRequired": Misconfigured,
    "RequestExpired": Misconfigured,  # a clock is wrong
    "SignatureDoesNotMatch": Misconfigured,
    "UnrecognizedClientException": Misconfigured,
    "LimitExceededException": Throttled,
    "TooManyRequestsException": Throttled,
    "ThrottlingException": Throttled,
    "InternalFailure": Unavailable,
    "InternalServiceErrorException": Unavailable,
    "ServiceUnavailable": Unavailable,
    "BadRequestException": Rejected,
    "MessageRejected": Rejected,
}
# "Errors related to the sending quotas", and "Amazon SES email sending errors"
_DAILY = re.compile(r"\bdaily\b.{0,40}\bquota\b", re.IGNORECASE)
_UNVERIFIED = re.compile(r"not verified", re.IGNORECASE)


class Ses:
    """Implements Provider.

    Credentials: an access key or `role`, and the topic of SNS that reports. Options: region,
    configuration_set, base_url, and those of every sender (email/content.py). With `role`, calls
    are signed as the function that sends, and the region is the deployment's unless it is named.
    """

    capabilities = Capabilities(
        type=ChannelType.EMAIL,
        platform="ses",
        call_size=1,
        content_per_recipient=True,
        provider_ids=ProviderIds.PER_RECIPIENT,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        receipt_modes=frozenset({ReceiptMode.WEBHOOK}),
        credentials=settings("", "access_key_id secret_access_key session_token role topic_arn"),
        utc_offset=None,
        options=settings("sender", f"region configuration_set base_url {content.SENDER_OPTIONS}"),
    )

    def __init__(
        self, http: Http, clock: Callable[[], float] = time.time, role: OwnRole | None = None
    ) -> None:
        self._http, self._clock, self._role = http, clock, role

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        if optional_text(raw, "role", "credentials"):
            self._check_role(raw, options)
        else:
            _check_key(raw)
            required_text(options, "region", "options", 30)
        reports.check_topic(raw)
        region = optional_text(options, "region", "options", 30)
        if region and not _REGION.fullmatch(region):
            raise Invalid("options.region", "must be a region of AWS, such as eu-west-1")
        name = optional_text(options, "configuration_set", "options", 64)
        if name and not _SET.fullmatch(name):
            raise Invalid("options.configuration_set", "must be the name of a configuration set")
        content.check_sender(options)
        optional_url(options, "base_url", self._http.policy)

    def _check_role(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Check a channel without a key. The role's token goes to AWS and to nobody else."""
        if raw["role"] != BY_ROLE:
            raise Invalid("credentials.role", "must be function")
        if self._role is None:
            raise Invalid("credentials.role", "needs SesIdentities in the deployment")
        if key := next((name for name in _KEY if raw.get(name)), ""):
            raise Invalid(f"credentials.{key}", "not beside role")
        base_url = optional_url(options, "base_url", self._http.policy)
        if base_url and not self._http.policy.lists(urlsplit(base_url).hostname or ""):
            raise Invalid("options.base_url", "not beside role")

    def check_content(self, raw: Mapping[str, Any]) -> None:
        content.check(raw, self._http.policy)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return reports.needed(credentials)

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return reports.read(request, secret, self._http)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(SesSession(account, self._http, self._clock, self._role))


class SesSession(PlainSession):
    """Implements Session."""

    def __init__(
        self, account: Account, http: Http, clock: Callable[[], float], role: OwnRole | None
    ) -> None:
        self._http, self._clock, self._options = http, clock, account.options
        self._keys = _keys(account, role)
        sender = content.sender(account.code, account.options)
        if sender is None:
            raise Misconfigured("sender")
        region = account.options.get("region") or (role.region if role else "")
        self._sender, self._region = sender, str(region)
        base_url = account.options.get("base_url")
        self._base_url = str(base_url or f"https://email.{self._region}.amazonaws.com").rstrip("/")

    def check(self) -> None:
        """Ask for the account, which also says whether it may send."""
        try:
            answer = self._ask("GET", "/v2/email/account").json()
        except ProviderError as error:
            raise safe_error(error) from None
        if isinstance(answer, Mapping) and answer.get("SendingEnabled") is False:
            raise Misconfigured("sending_disabled")

    def send(self, call: OutgoingCall) -> Answer:
        (recipient,) = call.recipients
        to = mail.address(recipient.contact)
        if to is None:
            return Answer([Outcome(Loss.INVALID_TARGET, "bad_address")])
        if mail.needs_utf8(to):  # "Amazon SES does not support the SMTPUTF8 extension"
            return Answer([Outcome(Loss.SUBMIT_FAILED, "utf8_not_offered")])
        try:
            raw = mail.build(self._sender, recipient, to, call.files)
        except ValueError:
            return Answer([Outcome(Loss.SUBMIT_FAILED, "bad_content")])
        body: dict[str, Any] = {
            "Destination": {"ToAddresses": [to]},
            "Content": {"Raw": {"Data": b64encode(raw).decode("ascii")}},
        }
        if self._options.get("configuration_set"):
            body["ConfigurationSetName"] = str(self._options["configuration_set"])
        try:
            answer = self._ask("POST", "/v2/email/outbound-emails", body).json()
        except Rejected as error:
            return Answer([Outcome(Loss.SUBMIT_FAILED, error.code)])
        id = identifier(answer.get("MessageId")) if isinstance(answer, Mapping) else ""
        if not id:
            raise Uncertain("no_id")
        return Answer([Outcome(provider_id=id)])

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Response:
        url = self._base_url + path
        raw = json.dumps(body).encode() if body is not None else b""
        now = self._clock()
        headers = ses_signing.signed(method, url, raw, self._keys(), self._region, now)
        response = self._http.request(method, url, headers=headers, raw=raw)
        if response.status != 200:
            raise _error(response)
        return response


def _check_key(raw: Mapping[str, Any]) -> None:
    key = required_text(raw, "access_key_id", "credentials", 128)
    if not key.isascii() or not key.isalnum():
        raise Invalid("credentials.access_key_id", "must be letters and digits")
    required_text(raw, "secret_access_key", "credentials", 128)
    if not optional_text(raw, "session_token", "credentials").isprintable():
        raise Invalid("credentials.session_token", "must be one line")


def _keys(account: Account, role: OwnRole | None) -> Callable[[], ses_signing.Keys]:
    """Return how to get the access key of a call. That of a role is another one now and then."""
    if account.credentials.get("role"):
        if role is None:
            raise Misconfigured("role")
        return lambda: ses_signing.Keys(*role.keys())
    keys = ses_signing.Keys(*(str(account.credentials.get(name) or "") for name in _KEY))
    return lambda: keys


def _error(response: Response) -> ProviderError:
    """Return the error of an answer. Its code stands in a header, before a colon."""
    code = identifier(response.headers.get("x-amzn-errortype", "").partition(":")[0])
    body = response.json()
    message = str(body.get("message", "")) if isinstance(body, Mapping) else ""
    if _DAILY.search(message):
        return QuotaUsedUp(code or f"http_{response.status}")
    if code == "MessageRejected" and _UNVERIFIED.search(message):
        return Misconfigured(code)
    return vendor_error(response, _ERRORS, {}, code or None)
