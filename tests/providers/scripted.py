"""A transport that answers from a script and keeps the requests: the only thing that provider tests
replace.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import strategies as st

from chalicelib.domain.provider_io import Account, OutgoingCall, Recipient
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Request, Response

# Any answer of an SMS platform, with the field names of one of them.
_FIELDS = [
    "cmd",
    "code",
    "content",
    "errcode",
    "errdesc",
    "error",
    "error_code",
    "failNum",
    "messageContent",
    "mobile",
    "moTime",
    "mos",
    "msg",
    "msgId",
    "msg_id",
    "msgid",
    "notifyTime",
    "phone",
    "pknum",
    "receiveTime",
    "recipients",
    "replyTime",
    "result",
    "ret",
    "rpts",
    "rtime",
    "status",
    "statusDesc",
]
_VALUES = ["0", "13800001234", "DELIVRD", "2411041728", "2016-08-04 17:38:59"]
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(_VALUES),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_FIELDS), inner),
    max_leaves=15,
)


class ScriptedTransport:
    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def send(self, request: Request, timeout: float) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def bodies(self) -> list[Any]:
        return [json.loads(request.body or b"null") for request in self.requests]

    def paths(self) -> list[str]:
        return [f"{request.method} {urlsplit(request.url).path}" for request in self.requests]

    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(request.url).query) for request in self.requests]


def reply(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(body).encode(),
    )


def failure(code: int | str, status: int, **headers: str) -> Response:
    return reply({"error": {"code": code, "message": "no"}}, status, **headers)


def http(transport: ScriptedTransport) -> Http:
    return Http(Policy(), transport=transport)


def account(**options: Any) -> Account:
    return Account("channel", {"app_key": "k1", "master_secret": "s1"}, options)


def call(
    *contacts: str, content: dict[str, Any], token: str | None = None, **options: Any
) -> OutgoingCall:
    return OutgoingCall(
        "msg-1",
        [Recipient(contact, content, f"ref-{n}") for n, contact in enumerate(contacts)],
        token,
        options,
    )
