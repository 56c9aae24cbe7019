"""Both sides of every limit of UMS v1 and Operation Growth: the maximum, and one more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from tests.entrypoints.conftest import KEY, OPERATOR, Api
from tests.entrypoints.http.ums.limits import Limit
from tests.entrypoints.http.ums.limits_of_contents import CONTENTS
from tests.entrypoints.http.ums.limits_of_growth import GROWTH, LONG
from tests.entrypoints.http.ums.limits_of_sends import SENDS
from tests.entrypoints.http.ums.limits_of_users import OTHERS, USERS

PLATFORMS = {
    "wechatoa": "wechatoa",
    "wechatmp": "wechatmp",
    "email": "smtp",
    "alipay_life": "alipay",
    "dingtalk_cc": "dingtalk",
    "wechatwk": "wecom",
}


@pytest.fixture
def everything(configured: Api) -> Api:
    """A delivery channel of every type with contents, a template with a link (2), and user 5."""
    known = configured.fake.settings.channel("sms1")
    assert known is not None
    for number, (kind, platform) in enumerate(PLATFORMS.items(), 10):
        code = f"{kind.replace('_', '')}1"
        channel = replace(
            known, code=code, name=kind, number=number, type=ChannelType(kind), platform=platform
        )
        configured.fake.settings.put_channel(channel)
        assert (
            configured.admin(
                "PUT", f"access-channels/{KEY}/channels/{code}", {"enabled": True}
            ).status
            == 200
        )
    linked = {"channel_key": KEY, "name": "linked", "contents": {"app": {"alert": "{{url}}"}}}
    assert configured.admin("POST", "templates", linked).json["template_id"] == 2
    for userid in ("5", "1", str(LONG)):
        assert configured.users([{"userid": userid}], auth=OPERATOR).status == 200
    return configured


def ask(api: Api, limit: Limit, n: int) -> tuple[int, str]:
    """Return the code and the text of an answer, for users those of the failed one."""
    body = limit.body(n)
    answer = api(limit.method, limit.path, body, auth=limit.auth, headers=limit.headers(n)).json
    for failed in (
        (answer["data"] or {}).get("fail", ()) if limit.path.startswith("/v1/user") else ()
    ):
        return int(failed["errcode"]), failed["errmsg"]
    return answer["code"], answer.get("message") or answer.get("msg") or ""


@pytest.mark.parametrize(
    "limit",
    [*SENDS, *CONTENTS, *(replace(each, path="/v1/user/opt") for each in USERS), *OTHERS, *GROWTH],
    ids=str,
)
def test_the_most_is_taken_and_one_more_is_refused_by_name(everything: Api, limit: Limit) -> None:
    for good, one_too_far in ((limit.most, +1), (limit.least, -1)):
        if good is None:
            continue
        code, said = ask(everything, limit, good)
        assert code in limit.taken, said
        code, said = ask(everything, limit, good + one_too_far)
        assert (code, limit.place in said) == (limit.code, True), said
