"""Settings of Official Accounts and mini-programs."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.providers.wechat.mini_program import MiniProgram
from chalicelib.providers.wechat.official_account import OfficialAccount
from tests.providers.scripted import ScriptedTransport, http
from tests.providers.tokened import tokens
from tests.providers.wechat.calls import AUTHORISED, KEYS, OWN


@pytest.mark.parametrize(
    ("raw", "component_", "field"),
    [
        ({}, False, "app_id"),
        ({"app_id": "a b", "app_secret": "s"}, False, "app_id"),
        ({"app_id": "wx1"}, False, "app_secret"),
        ({**OWN, "x": 1}, False, "x"),
        ({**OWN, "callback_token": "to"}, False, "callback_token"),
        ({**OWN, "callback_token": "t" * 33}, False, "callback_token"),
        ({**OWN, "callback_token": "to k"}, False, "callback_token"),
        ({**OWN, "encoding_aes_key": "k" * 43}, False, "callback_token"),
        ({**OWN, "callback_token": "tok", "encoding_aes_key": "k" * 42}, False, "encoding_aes_key"),
        ({**OWN, "callback_token": "tok", "encoding_aes_key": "k" * 44}, False, "encoding_aes_key"),
        ({**AUTHORISED, "app_secret": "s"}, True, "app_secret"),
        ({**AUTHORISED, "component_app_id": ""}, True, "component_app_id"),
        ({**AUTHORISED, "component_app_secret": 5}, True, "component_app_secret"),
        ({**AUTHORISED, "callback_token": ""}, True, "callback_token"),
        ({**AUTHORISED, "encoding_aes_key": ""}, True, "encoding_aes_key"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], component_: bool, field: str
) -> None:
    with pytest.raises(Invalid) as error:
        OfficialAccount(
            http(ScriptedTransport()), tokens(), component=component_
        ).check_credentials(raw, {})
    assert error.value.field == f"credentials.{field}"


def test_settings_that_work() -> None:
    for raw in (OWN, {**OWN, "callback_token": "tok"}, {**OWN, **KEYS}):
        OfficialAccount(http(ScriptedTransport()), tokens()).check_credentials(
            raw, {"base_url": "https://sh.api.weixin.qq.com"}
        )
    for provider in (OfficialAccount, MiniProgram):
        provider(http(ScriptedTransport()), tokens(), component=True).check_credentials(
            AUTHORISED, {}
        )
    mini = MiniProgram(http(ScriptedTransport()), tokens())
    mini.check_credentials(OWN, {})
    with pytest.raises(Invalid, match="callback_token"):
        mini.check_credentials({**OWN, **KEYS}, {})
    with pytest.raises(Invalid, match="base_url"):
        mini.check_credentials(OWN, {"base_url": "ftp://x"})


def test_a_mini_program_by_its_own_secret_is_told_nothing() -> None:
    mini = MiniProgram(http(ScriptedTransport()), tokens())
    assert mini.webhook_secret(OWN) == {}
    with pytest.raises(Unverified):
        mini.read_webhook(WebhookRequest("POST", {}, {}, b""), {})
