"""DingTalk (钉钉), work notices: https://developer.alibaba.com/docs/api.htm?apiId=37692

A call is a task; what became of it is asked for (results.py). There is no idempotency token. But DingTalk refuses a user the same
notice twice on a day (143106), so that `on_uncertain: resend` shows nobody a notice twice: who had it from the first call is then
reported as refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
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
    Capabilities,
    ClickReport,
    DeliveryReport,
    Loss,
    Outcome,
    OutgoingCall,
    ProviderIds,
    Receipt,
    Token,
)
from chalicelib.ports import Session
from chalicelib.providers.base import (
    PlainProvider,
    PlainSession,
    check_names,
    number,
    optional_text,
    optional_url,
    required_text,
    settings,
    word,
)
from chalicelib.providers.dingtalk import content, results
from chalicelib.providers.errcodes import (
    SUCCESS,
    TokenApi,
    VendorCodes,
    addressable,
    errcode,
    outcomes,
)
from chalicelib.providers.tokens import AccessTokens
from chalicelib.web.http import Http

BASE_URL = "https://oapi.dingtalk.com"
NOTICES = "/topapi/message/corpconversation"

# userids: open.dingtalk.com says 100, the page above 5,000 for internal applications. 100 is taken everywhere.
CALL_SIZE = 100
# Of an application, as help.dingtalk.io says. Who is beyond that gets nothing, though the call is answered with success. Each person gets
# 500 notices a day, and the same one once: of that only results.py tells.
PEOPLE_PER_MINUTE = 5000

# "Global error codes", https://open.dingtalk.com/document/orgapp/server-api-error-codes-1, and those of the gateway, which come as 88
# with a `sub_code`. The list is partly recalled. Held back for an operator is what every notice would meet.
ERRORS: Mapping[str, type[ProviderError]] = {
    "-1": Unavailable,  # busy
    "7": Throttled,  # calls of the application
    "15": Unavailable,  # an error behind the gateway
    "22": Misconfigured,  # no such API: a wrong address
    "40": Rejected,  # a parameter is missing
    "41": Rejected,  # a parameter is invalid
    "88": Misconfigured,  # not allowed, without the code that says why
    "404": Misconfigured,  # no such address
    "33001": Misconfigured,  # the corporation
    "33012": Rejected,  # userid
    "40001": Misconfigured,  # secret, or access token
    "40003": Rejected,  # userid
    "40007": Rejected,  # media_id
    "40008": Rejected,  # msgtype
    "40014": Misconfigured,  # access token, also the new one
    "40031": Rejected,  # list of userids
    "40035": Rejected,  # a parameter
    "40056": Misconfigured,  # agent_id
    "40089": Misconfigured,  # app_key or app_secret
    "40096": Misconfigured,  # app_key or app_secret
    "41001": Misconfigured,  # no access token
    "41010": Misconfigured,  # no agent_id
    "42001": Misconfigured,  # access token expired, also the new one
    "43007": Misconfigured,  # application not authorised
    "44004": Rejected,  # empty text
    "45002": Rejected,  # content too long
    "45009": Throttled,
    "47001": Rejected,  # not readable
    "48002": Misconfigured,  # API not allowed to the application
    "50002": Rejected,  # user out of the application's sight
    "60011": Misconfigured,  # API not allowed to the application
    "60020": Misconfigured,  # IP address not on the application's list
    "60121": Rejected,  # no such user
    "90002": Throttled,  # of our address, in all
    "90006": Throttled,  # of the corporation, this API
    "90018": Throttled,  # of the application, this API
    "90020": Misconfigured,  # the corporation has no calls left in this month: www.dingtalk.com/qidian/help-detail-1061621972.html
}
STALE = frozenset({"40001", "40014", "41001", "42001"})
# Of a call with one user. A user who has left the corporation is gone; one out of sight may come back.
NOT_THERE: Mapping[str, bool] = {"33012": False, "40003": False, "50002": False, "60121": True}

# In a list they are joined by commas.
USERID = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,64}")


_SUB_CODE = re.compile(r"\[subcode=(\d{1,10}),", re.ASCII)


def code_of(body: Any) -> str:
    """88 says that the real code is in `sub_code`, or, as callers have met, in the text alone."""
    code = errcode(body)
    if code != "88":
        return code
    told = _SUB_CODE.search(str(body.get("errmsg", "")))
    return word(body.get("sub_code")) or (told[1] if told else code)


WORDS = VendorCodes(ERRORS, STALE, code_of)


class DingTalk(PlainProvider):
    """Implements Provider."""

    capabilities = Capabilities(
        type=ChannelType.DINGTALK_CC,
        platform="dingtalk",
        call_size=CALL_SIZE,
        content_per_recipient=False,
        provider_ids=ProviderIds.PER_CALL,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        clickable=content.CLICKABLE,
        credentials=settings("agent_id app_key app_secret"),
        options=settings("", "base_url"),
        receipt_modes=frozenset({ReceiptMode.POLL}),
        recall=True,
        deliveries_per_minute=PEOPLE_PER_MINUTE,
    )

    def __init__(
        self, http: Http, tokens: AccessTokens, now: Callable[[], float] = time.time
    ) -> None:
        self._http, self._tokens, self._now = http, tokens, now

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        if number(raw.get("agent_id")) is None:
            raise Invalid("credentials.agent_id", "is required and must be a number")
        required_text(raw, "app_key", "credentials", 256)
        required_text(raw, "app_secret", "credentials", 256)
        optional_url(options, "base_url", self._http.policy)

    def check_content(self, content_: Mapping[str, Any]) -> None:
        content.check(content_)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(DingTalkSession(account, self._http, self._tokens, self._now))


class DingTalkSession(PlainSession):
    """Implements Session."""

    def __init__(
        self, account: Account, http: Http, tokens: AccessTokens, now: Callable[[], float]
    ) -> None:
        self._now, self._agent = now, number(account.credentials.get("agent_id")) or 0
        self._url = (optional_text(account.options, "base_url") or BASE_URL).rstrip("/")
        query = {
            "appkey": str(account.credentials["app_key"]),
            "appsecret": str(account.credentials["app_secret"]),
        }
        self._api = TokenApi(http, tokens, account, WORDS, (f"{self._url}/gettoken", query))

    def access_token(self) -> Token:
        return self._api.token()

    def check(self) -> None:
        self._api.fetch()

    def send(self, call: OutgoingCall) -> Answer:
        users = addressable(call, USERID)
        if not users:
            return Answer(outcomes(call, USERID, lambda _: None))
        msg = content.message(call.recipients[0].content)
        body = {
            "agent_id": self._agent,
            "userid_list": ",".join(users),
            "to_all_user": False,
            "msg": msg,
        }
        said = self._api.post(f"{self._url}{NOTICES}/asyncsend_v2", body)
        if said.code in NOT_THERE and len(users) == 1:
            lost = Outcome(Loss.INVALID_TARGET, said.code, undeliverable=NOT_THERE[said.code])
            return Answer(outcomes(call, USERID, lambda _: lost))
        if said.code != SUCCESS:
            raise self._api.error(said)
        return Answer(outcomes(call, USERID, lambda _: None), word(said.body.get("task_id")))

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt]:
        """One request per task. Of a task that DingTalk will not tell of (older than 24 hours) nothing more is learnt."""
        receipts: list[Receipt] = []
        for task_id, contacts in provider_ids.items():
            said = self._task("getsendresult", "task_id", task_id)
            if said is not None:
                receipts += results.read(task_id, said, contacts, int(self._now() * 1000))
        return receipts

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """From everybody whom the task reached, within 24 hours; DingTalk has no other way."""
        done = self._task("recall", "msg_task_id", provider_id)
        return [
            Outcome() if done is not None else Outcome(Loss.SUBMIT_FAILED, "not_recalled")
        ] * len(contacts)

    def _task(self, what: str, name: str, task_id: str) -> Mapping[str, Any] | None:
        """None when DingTalk refuses this task, not the account."""
        body = {"agent_id": self._agent, name: int(task_id) if task_id.isdecimal() else task_id}
        said = self._api.post(f"{self._url}{NOTICES}/{what}", body, harmless=True)
        if said.code == SUCCESS:
            return said.body
        error = self._api.error(said)
        if isinstance(error, Rejected):
            return None
        raise error
