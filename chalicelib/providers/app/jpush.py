"""JPush (Jiguang's app push), REST API v3: public and private cloud.

Sending: https://docs.jiguang.cn/jpush/server/push/rest_api_v3_push, reports: …/rest_api_v3_report.
JPush does not push a repeated `cid` again, but answers with the first success
(https://docs.jiguang.cn/jpush/server/push/rest_api_v3_push_advanced).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid, Misconfigured, Rejected, Throttled, Unavailable
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    Outcome,
    OutgoingCall,
    ProviderIds,
    Receipt,
    ReceiptKind,
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import Session
from chalicelib.providers.app import jpush_content, jpush_receipts
from chalicelib.providers.base import (
    PlainSession,
    check_names,
    error_code,
    optional_url,
    preparing_error,
    required_text,
    safe_error,
    safe_request,
    settings,
    vendor_error,
)
from chalicelib.providers.refusals import invalid, named, refused
from chalicelib.web.http import Http

BASE_URL = "https://api.jpush.cn"
REPORT_URL = "https://report.jpush.cn"
CALL_SIZE = 1000
# 600 a minute of an application without VIP:
# https://docs.jiguang.cn/jpush/server/push/server_overview
CALLS_PER_SECOND = 10

# Number of cids of one request. Applications without VIP get 10 for any number
# (rest_api_v3_push_advanced, 2022-08-09).
CIDS = 10
CID_LIFE = 86_400
# Seconds that a fetched cid may wait for its call. The ledger counts the rest of its life from the
# call on.
POOL_LIFE = 600

# Push API v3, "call returns": https://docs.jiguang.cn/jpush/server/push/rest_api_v3_push
ERRORS = {
    "1000": Unavailable,  # internal error, try later
    "1001": Misconfigured,  # only POST: the address is not the API's
    "1002": Rejected,  # a parameter is missing
    "1003": Rejected,  # a parameter is invalid
    "1004": Misconfigured,  # authentication
    "1005": Rejected,  # message too long
    "1008": Misconfigured,  # app_key
    "1009": Rejected,  # a key that is not supported
    "1012": Rejected,  # limit of this message
    "1020": Misconfigured,  # https only
    "1030": Unavailable,  # internal timeout, try later
    "2002": Throttled,
    "2003": Misconfigured,  # application blocked
    "2004": Misconfigured,  # IP address not on the application's list
    "2005": Misconfigured,  # far more messages per device than reasonable
    "2006": Misconfigured,  # not a VIP application
    "2007": Misconfigured,
    "2008": Rejected,  # broadcasts of the day used up
    # Report API: https://docs.jiguang.cn/jpush/server/push/rest_api_v3_report
    "10": Unavailable,
    "3001": Misconfigured,  # authentication
}
NO_TARGET = "1011"
# Also for a malformed registration id among others, of which only the text tells.
INVALID_PARAMETER = "1003"

# Report API, "delivery state". 1: "not delivered" so far, and 4: an error at JPush. Both are polled
# again. 2: "not of this app". 3: "not a target of this message". That is also true before the
# message was distributed and on another day, so it proves nothing.
STATES = {0: ReceiptKind.DELIVERED, 2: ReceiptKind.DELIVERY_FAILED}
BEIJING = timezone(timedelta(hours=8))
OVERNIGHT_HOURS = 6

_OPTIONS = settings("", "base_url report_url")
_PRIVATE_OPTIONS = settings("base_url", "report_url")


class JPush:
    """Implements Provider, for `jpush` and for `jpush_private`, whose address is an option."""

    def __init__(
        self, http: Http, platform: str = "jpush", now: Callable[[], float] = time.time
    ) -> None:
        self._http, self._now, is_public = http, now, platform == "jpush"
        self._cids: dict[tuple[str, str], tuple[float, list[str]]] = {}
        self.capabilities = Capabilities(
            type=ChannelType.APP,
            platform=platform,
            call_size=CALL_SIZE,
            content_per_recipient=False,
            provider_ids=ProviderIds.PER_CALL,
            polled_by_call=True,
            delivery_report=DeliveryReport.REAL,
            click_report=ClickReport.PROVIDER,
            receipt_modes=frozenset({ReceiptMode.WEBHOOK, ReceiptMode.POLL}),
            token_life=CID_LIFE - POOL_LIFE,
            recall=True,
            preparation=1,
            credentials=settings("app_key master_secret", "receipt_fields"),
            options=_OPTIONS if is_public else _PRIVATE_OPTIONS,
            calls_per_second=CALLS_PER_SECOND if is_public else None,
            utc_offset=8 if is_public else None,
        )

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        if ":" in required_text(raw, "app_key", "credentials"):
            raise Invalid("credentials.app_key", "must not contain a colon")
        required_text(raw, "master_secret", "credentials")
        if raw.get("receipt_fields") is not None:
            jpush_receipts.check_fields(raw["receipt_fields"])
        if self.capabilities.platform != "jpush":
            required_text(options, "base_url", "options")
        optional_url(options, "base_url", self._http.policy)
        optional_url(options, "report_url", self._http.policy)

    def check_content(self, content: Mapping[str, Any]) -> None:
        jpush_content.check(content)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """Return a digest, which verifies callbacks but does not allow sending."""
        secret = {
            "basic_sha256": jpush_receipts.digest(
                credentials["app_key"], credentials["master_secret"]
            )
        }
        if credentials.get("receipt_fields"):
            secret["fields"] = json.dumps(credentials["receipt_fields"])
        return secret

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(JPushSession(self, account, self._http, self._now))

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        jpush_receipts.verify(request, secret["basic_sha256"])
        return Webhook(
            jpush_receipts.read(request.body, jpush_receipts.fields_of(secret), request.now)
        )

    def take_cid(self, base_url: str, auth: tuple[str, str]) -> str:
        """Return a cid from the account's pool.

        One request fills the pool when it is empty or old.
        """
        fetched, cids = self._cids.get((base_url, auth[0]), (0.0, []))
        if not cids or self._now() - fetched > POOL_LIFE:
            fetched, cids = self._now(), self._fetch_cids(base_url, auth)
            self._cids[base_url, auth[0]] = fetched, cids
        return cids.pop()

    def _fetch_cids(self, base_url: str, auth: tuple[str, str]) -> list[str]:
        query = {"type": "push", "count": str(CIDS)}
        reply = safe_request(self._http, "GET", f"{base_url}/v3/push/cid", params=query, auth=auth)
        body = reply.json()
        cids = body.get("cidlist") if isinstance(body, dict) and reply.status == 200 else None
        if not isinstance(cids, list) or not cids or not all(isinstance(cid, str) for cid in cids):
            raise preparing_error(vendor_error(reply, ERRORS, {}))
        return list(reversed(cids))


class JPushSession(PlainSession):
    """Implements Session."""

    def __init__(
        self, provider: JPush, account: Account, http: Http, now: Callable[[], float]
    ) -> None:
        self._provider, self._http, self._now = provider, http, now
        self._auth = (
            str(account.credentials["app_key"]),
            str(account.credentials["master_secret"]),
        )
        self._base_url = str(account.options.get("base_url") or BASE_URL).rstrip("/")
        self._report_url = str(
            account.options.get("report_url") or self._default_report_url()
        ).rstrip("/")

    def _default_report_url(self) -> str:
        # A private cloud has one address.
        return REPORT_URL if self._base_url == BASE_URL else self._base_url

    def token(self) -> str | None:
        return self._provider.take_cid(self._base_url, self._auth)

    def send(self, call: OutgoingCall) -> Answer:
        reply = self._http.request(
            "POST", f"{self._base_url}/v3/push", json=jpush_content.push(call), auth=self._auth
        )
        body = reply.json()
        if reply.status == 200 and isinstance(body, dict) and body.get("msg_id"):
            return Answer([Outcome()] * len(call.recipients), str(body["msg_id"]))
        code = error_code(body)
        if code == NO_TARGET:
            return Answer([invalid(NO_TARGET)] * len(call.recipients))
        text = str(body["error"].get("message", "")) if code == INVALID_PARAMETER else ""
        if "registration" in text.lower():
            contacts = [recipient.contact for recipient in call.recipients]
            return Answer(refused(contacts, invalid(INVALID_PARAMETER), named(text, contacts)))
        raise vendor_error(reply, ERRORS, {})

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """Withdraw a push of the last day, for all its devices.

        Source: rest_api_v3_push_advanced, 2022-08-09, which does not name the answers.
        """
        reply = safe_request(
            self._http,
            "DELETE",
            f"{self._base_url}/v3/push/{quote(provider_id, safe='')}",
            auth=self._auth,
        )
        if reply.status in (200, 204):
            return [Outcome()] * len(contacts)
        raise safe_error(vendor_error(reply, ERRORS, {}))

    def check(self) -> None:
        self._provider.take_cid(self._base_url, self._auth)

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt]:
        """Ask for the states of today's pushes.

        Early in the day in Beijing, also for those of yesterday.
        """
        receipts: list[Receipt] = []
        today = datetime.fromtimestamp(self._now(), BEIJING)
        for msg_id, contacts in provider_ids.items():
            for begin in range(0, len(contacts), CALL_SIZE):
                receipts += self._recent(msg_id, contacts[begin : begin + CALL_SIZE], today)
        return receipts

    def _recent(self, msg_id: str, contacts: Sequence[str], today: datetime) -> Sequence[Receipt]:
        receipts = list(self._states(msg_id, contacts, None))
        known = {receipt.contact for receipt in receipts}
        rest = [contact for contact in contacts if contact not in known]
        if rest and today.hour < OVERNIGHT_HOURS:
            yesterday = (today - timedelta(days=1)).date().isoformat()
            receipts += self._states(msg_id, rest, yesterday)
        return receipts

    def _states(self, msg_id: str, contacts: Sequence[str], date: str | None) -> Iterator[Receipt]:
        query: dict[str, Any] = {
            "msg_id": int(msg_id) if msg_id.isdecimal() else msg_id,
            "registration_ids": list(contacts),
        }
        if date:
            query["date"] = date
        reply = safe_request(
            self._http,
            "POST",
            f"{self._report_url}/v3/status/message",
            json=query,
            auth=self._auth,
        )
        states = reply.json()
        if reply.status != 200 or not isinstance(states, dict):
            raise safe_error(vendor_error(reply, ERRORS, {}))
        for contact in contacts:
            state = states.get(contact)
            status = state.get("status") if isinstance(state, dict) else None
            receipt_kind = STATES.get(status) if isinstance(status, int) else None
            if receipt_kind is not None:
                code = str(status) if receipt_kind is ReceiptKind.DELIVERY_FAILED else ""
                yield Receipt(msg_id, receipt_kind, int(self._now() * 1000), contact, code)
