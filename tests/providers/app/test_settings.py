"""Contents and settings of JPush."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.providers.app.jpush import JPush
from tests.providers.app.calls import CREDENTIALS
from tests.providers.scripted import ScriptedTransport, http


@pytest.mark.parametrize(
    "content",
    [
        {"alert": "{{name}}, hello"},
        {"title": "T", "alert": "A", "extras": {"url": "{{url}}"}},
        {"notification": {"alert": "A"}},
        {
            "notification": {
                "android": {"alert": "A"},
                "ios": {"alert": {"title": "T", "body": "{{b}}"}},
            }
        },
        {"notification": {"alert": "A", "hmos": {"category": "X"}}},
        {
            "notification": {
                "android": {"alert": "", "extras": {"x": 1}},
                "ios": {"alert": "", "badge": "+1", "content-available": True},
            }
        },
        {"message": {"msg_content": "M", "title": "T"}},
        {"live_activity": {"ios": {"event": "start", "content-state": {"eta": 5}}}},
        {
            "notification": {"alert": "A"},
            "message": {"msg_content": "M"},
            "options": {"time_to_live": 60},
        },
    ],
)
def test_contents_that_a_template_may_have(content: dict[str, Any]) -> None:
    JPush(http(ScriptedTransport())).check_content(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "alert"),
        ({"alert": ""}, "alert"),
        ({"alert": 1}, "alert"),
        ({"alert": "A", "title": 1}, "title"),
        ({"alert": "A", "extras": []}, "extras"),
        ({"alert": "A", "audience": "all"}, "audience"),
        ({"notification": {"alert": "A"}, "audience": "all"}, "audience"),
        ({"notification": {"alert": "A"}, "platform": "all"}, "platform"),
        ({"notification": {"alert": "A"}, "callback": {}}, "callback"),
        ({"notification": {}}, "notification"),
        ({"notification": "A"}, "notification"),
        ({"notification": {"voip": {}}}, "notification.voip"),
        ({"notification": {"android": {"title": "T"}}}, "notification.android.alert"),
        ({"notification": {"android": "A"}}, "notification.android"),
        ({"notification": {"android": {"alert": None}}}, "notification.android.alert"),
        ({"notification": {"ios": {"alert": {}}}}, "notification.ios.alert"),
        ({"notification": {"hmos": {"alert": ""}}}, "notification.hmos.alert"),
        ({"notification": {"alert": ""}}, "notification.alert"),
        ({"message": {}}, "message.msg_content"),
        ({"message": {"msg_content": "M", "extras": 1}}, "message.extras"),
        ({"message": {"msg_content": "M"}, "options": []}, "options"),
    ],
)
def test_contents_that_it_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        JPush(http(ScriptedTransport())).check_content(content)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {}, "credentials.app_key"),
        ({"app_key": "k"}, {}, "credentials.master_secret"),
        ({"app_key": "k:", "master_secret": "s"}, {}, "credentials.app_key"),
        ({"app_key": "k", "master_secret": 1}, {}, "credentials.master_secret"),
        ({"app_key": "k", "master_secret": "s", "appkey": "k"}, {}, "credentials.appkey"),
        (
            {"app_key": "k", "master_secret": "s"},
            {"base_url": "http://push.example"},
            "options.base_url",
        ),
        (
            {"app_key": "k", "master_secret": "s"},
            {"report_url": "https://10.0.0.1"},
            "options.report_url",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": 1},
            {},
            "credentials.receipt_fields",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": {"x": []}},
            {},
            "credentials.receipt_fields.x",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": {"id": "mid"}},
            {},
            "credentials.receipt_fields.id",
        ),
        (
            {"app_key": "k", "master_secret": "s", "receipt_fields": {"kinds": {"1": "seen"}}},
            {},
            "credentials.receipt_fields.kinds",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        JPush(http(ScriptedTransport())).check_credentials(raw, options)
    assert error.value.field == field


def test_a_private_cloud_needs_its_address() -> None:
    private = JPush(http(ScriptedTransport()), platform="jpush_private")
    with pytest.raises(Invalid, match="base_url"):
        private.check_credentials(CREDENTIALS, {})
    private.check_credentials(CREDENTIALS, {"base_url": "https://push.corp.example:8443"})
