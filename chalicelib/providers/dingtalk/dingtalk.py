"""DingTalk (钉钉), work notices: https://developer.alibaba.com/docs/api.htm?apiId=37692

A call is a task. Its result is polled (results.py). There is no idempotency token. But DingTalk
refuses a user the same notice twice on a day (143106), so `on_uncertain: resend` shows nobody a
notice twice. A user who had it from the first call is then reported as refused.
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
    identifier,
    number,
    optional_text,
    optional_url,
    required_text,
    settings,
)
from chalicelib.providers.dingtalk import content, results
from chalicelib.providers.errcodes import (
    SUCCESS,
    TokenApi,
    UserList,
    VendorAnswer,
    VendorCodes,
    errcode,
)
from chalicelib.providers.refusals import invalid
from chalicelib.providers.tokens import AccessTokens
from chalicelib.web.http import Http

BASE_URL = "https://oapi.dingtalk.com"
NOTICES = "/topapi/message/corpconversation"

# userids. open.dingtalk.com says 100, the page above 5,000 for internal applications.
# 100 works everywhere.
CALL_SIZE = 100
# Of an application, as help.dingtalk.io says. People beyond the limit get nothing, though the call
# is answered with success. Each person gets 500 notices a day, and the same notice once. Only the
# result of the task tells about these limits (results.py).
PEOPLE_PER_MINUTE = 5000

# "Global error codes", https://open.dingtalk.com/document/orgapp/server-api-error-codes-1, and
# those of the gateway, which come as 88 with a `sub_code`. The list is partly recalled.
# Misconfigured: every notice would meet the error, so it waits for an operator.
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
    # Too many calls of an address, a corporation, an application or a suite, to one API or to all.
    # DingTalk then answers nothing for a while.
    **{str(code): Throttled for code in range(90001, 90019)},
    # The corporation has no calls left in this month:
    # www.dingtalk.com/qidian/help-detail-1061621972.html
    "90020": Misconfigured,
}
STALE = frozenset({"40001", "40014", "41001", "42001"})
# Some user of a call cannot be reached. True: a user who has left the corporation. One out of sight
# may come back.
NOT_THERE: Mapping[str, bool] = {"33012": False, "40003": False, "50002": False, "60121": True}

# Commas join the ids of a list.
USERID = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,64}")


_SUB_CODE = re.compile(r"\[subcode=(\d{1,10}),", re.ASCII)


def code_of(body: Any) -> str:
    """Return the code of an answer.

    Code 88 hides another code in `sub_code`, or, as callers have met, in the text alone.
    """
    code = errcode(body)
    if code != "88":
        return code
    sub_code = _SUB_CODE.search(str(body.get("errmsg", "")))
    return identifier(body.get("sub_code")) or (sub_code[1] if sub_code else code)


USERS = UserList(
    USERID, {code: invalid(code, undeliverable=is_dead) for code, is_dead in NOT_THERE.items()}
)
CODES = VendorCodes(ERRORS, STALE, code_of)


class DingTalk(PlainProvider):
    """Implements Provider."""

    capabilities = Capabilities(
        type=ChannelType.DINGTALK_CC,
        platform="dingtalk",
        call_size=CALL_SIZE,
        content_per_recipient=False,
        provider_ids=ProviderIds.PER_CALL,
        polled_by_call=True,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        clickable=content.CLICKABLE,
        credentials=settings("agent_id app_key app_secret"),
        options=settings("", "base_url"),
        receipt_modes=frozenset({ReceiptMode.POLL}),
        recall=True,
        preparation=1,
        hands_on_token=True,
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
        self._api = TokenApi(http, tokens, account, CODES, (f"{self._url}/gettoken", query))

    def prepare(self) -> None:
        self._api.token()

    def access_token(self) -> Token:
        return self._api.token()

    def check(self) -> None:
        self._api.fetch()

    def send(self, call: OutgoingCall) -> Answer:
        def post(users: Sequence[str]) -> VendorAnswer:
            body = {
                "agent_id": self._agent,
                "userid_list": ",".join(users),
                "to_all_user": False,
                "msg": content.message(call.recipients[0].content),
            }
            return self._api.post(f"{self._url}{NOTICES}/asyncsend_v2", body, time=call.time)

        return USERS.send(
            self._api, call, post, lambda answer: identifier(answer.body.get("task_id"))
        )

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt]:
        """Ask for the result of each task, one request per task.

        DingTalk refuses tasks older than 24 hours. Nothing more is learnt of those.
        """
        receipts: list[Receipt] = []
        for task_id, contacts in provider_ids.items():
            result = self._task("getsendresult", "task_id", task_id)
            if result is not None:
                receipts += results.read(task_id, result, contacts, int(self._now() * 1000))
        return receipts

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """Recall from all users of the task, within 24 hours: DingTalk has no finer way."""
        done = self._task("recall", "msg_task_id", provider_id)
        outcome = Outcome() if done is not None else Outcome(Loss.SUBMIT_FAILED, "not_recalled")
        return [outcome] * len(contacts)

    def _task(self, action: str, name: str, task_id: str) -> Mapping[str, Any] | None:
        """Call an API about a task. Return None if DingTalk refuses the task, not the account."""
        body = {"agent_id": self._agent, name: int(task_id) if task_id.isdecimal() else task_id}
        answer = self._api.post(f"{self._url}{NOTICES}/{action}", body, safe=True)
        if answer.code == SUCCESS:
            return answer.body
        error = self._api.error(answer)
        if isinstance(error, Rejected):
            return None
        raise error
