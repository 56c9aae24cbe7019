"""Request bodies as UMS and Operation Growth print them, to the letter.

`fitted` replaces only the keys and ids by those of a deployment.

The source for UMS is "Template message sending v1" (2021-12-15), its sender guides and its
"REST API" pages for users. The source for Operation Growth is "Set Contact Information API"
(2023-11-13). Comments that the page says to leave out are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TEMPLATE_MESSAGE = """
{
    "aud_userid": ["user1","user2"],
    "template_id":10001,
    "template_para":{"user":"xxx","url":"xxx"},
    "app_para":{
        "platform":"ios",
        "time_to_live":9999,
        "apns_production":true
    },
    "rule_id": 1001,
    "option": {
        "sendno": "test",
        "owner":"admin",
        "black_id":1234,
        "priority":2
    },
    "callback": {
        "url":"https://www.jiguang.cn/ums-portal",
        "params":{
            "name":"joe",
            "age":26
         }
    }
}"""
ORDINARY_MESSAGE = """
{
    "aud_userid": ["user1","user2"],
    "msg_app": [{"platform":"android", "notification":{"android":{"alert":"Hi,JPush !"}}}],
    "rule_id": 1001,
    "option": {
        "sendno": "test",
        "owner":"admin",
        "black_id":1234,
        "priority":2
    },
    "callback": {
        "url":"https://www.jiguang.cn/ums-portal",
        "params":{
            "name":"joe",
            "age":26
         }
    }
}"""

# Parts of a body: whom it goes to, and what a template is given.
TAGS = '{ "aud_tag": ["tag1","tag2"] }'
USERIDS = '{ "aud_userid": ["user1","user2"] }'
SEGMENT = '{ "aud_segment": ["1000"] }'
REGISTRATION_IDS = """
{
    "aud_app": [{
      "instance": "app",
      "data": ["170976fa8a9277fac6e"]
    }],
    "aud_wechatoa": [{
      "instance": "wechatoa",
      "data": ["oMtZu6kApZYEPJJWwyIHpWQ2L_DI"]
    }],
    "aud_wechatmp": [{
      "instance": "wechatmp",
      "data": ["oXNQs5B3LGA3xkU7-g2SdK3SsUaw"]
    }],
    "aud_sms": [{
      "instance": "sms",
      "data": ["18866007799"]
    }],
    "aud_email": [{
      "instance": "email",
      "data": ["wujb@jpush.cn"]
    }],
    "aud_alipay_life": [{
      "instance": "alipaylife",
      "data": ["2088102733318286"]
    }],
    "aud_dingtalk_cc": [{
      "instance": "dingtalkcc",
      "data": ["a3c213779d163837895b30f47aaa94c3"]
    }],
     "aud_wechatwk": [{
      "instance": "wechatwk",
      "data": ["zhangsan"]
    }],
     "aud_wechatwk_linkedcorp": [{
      "instance": "wechatwk_linkedcorp",
      "data": ["CorpId1/userid1","CorpId2/userid2"]
    }]
}"""
TEMPLATE_PARA = '{ "template_para":{"user":"xxx","url":"xxx"} }'
APP_PARA = '{ "app_para":{ "platform":"ios", "time_to_live":9999, "apns_production":true } }'

USER_BY_PHONE = '[{"userid":"zhangsan","phone":{"1234":"18756432567"}}]'
USER_BY_APP = (
    '{"userid":"zhangsan","set":{"app":{"app123":["1104a89792bbb69299a","191e35f7e0fb16c7d45"]}}}'
)
DELETED_USERS = '["userid1","userid2"]'

CONTACTS = """[{
 "cuid": 10362819,
 "channels": [{
 "id": 210,
 "channelValues": {
 "默认联系": "15088888888",
 "自定义联系": "123@qq.com"
 }
 }, {
 "id": 2210,
 "channelValues": {
 "默认联系": "15099999999",
 "自定义联系1": "123@qq.com"
 }
 }]
}, {
 "cuid": 103629,
 "channels": [{
 "id": 219,
 "channelValues": {
 "默认联系": "15088888888",
 "自定义联系": "123@qq.com"
 }
 }]
}]"""

# Of these UMS prints no body, but every field: each is one with all of them.
WECHAT_DATA = {"first": {"value": "Hello", "color": "#173177"}, "keyword1": {"value": "1042"}}
JUMP = {
    "miniprogram": {"appid": "wx1", "pagepath": "pages/index"},
    "appid": "wx1",
    "pagepath": "pages/index",
}
ARTICLE = {
    "title": "News",
    "description": "Of the day",
    "url": "https://www.jiguang.cn",
    "picurl": "https://www.jiguang.cn/a.png",
}
PAGE = {
    "thumb_media_id": "m1",
    "title": "News",
    "content": "<p>Hello</p>",
    "digest": "Hello",
    "author": "joe",
}
NOTICE = {
    "appid": "wx1",
    "page": "pages/index",
    "title": "订单已经发货",
    "description": "四月二十七日",
    "emphasis_first_item": True,
}
CHECKED = {"safe": 0, "enable_duplicate_check": 1, "duplicate_check_interval": 1800}
ALIPAY = {
    "head_color": "#85be53",
    "url": "https://www.jiguang.cn",
    "action_name": "查看详情",
    "keyword1": {"color": "#85be53", "value": "1042"},
    "first": {"color": "#85be53", "value": "Hello"},
    "remark": {"color": "#32cd32", "value": "Bye"},
}
CONTENTS: Mapping[str, list[Any]] = {
    "msg_app": [
        {
            "cid": "103-1",
            "platform": "android",
            "notification": {"alert": "Hi,JPush !", "android": {"alert": "Hi,JPush !"}},
            "message": {
                "msg_content": "Hi",
                "title": "Hi",
                "content_type": "text",
                "extras": {"key": "value"},
            },
            "options": {"time_to_live": 60},
        },
    ],
    "msg_wechatoa": [
        {
            "type": 0,
            "template_id": "t1",
            "url": "https://www.jiguang.cn",
            **JUMP,
            "data": WECHAT_DATA,
            "color": "#173177",
        },
        {
            "type": 1,
            "template_id": "t1",
            "page": "https://www.jiguang.cn",
            **JUMP,
            "data": {"thing1": {"value": "Hello"}},
        },
    ],
    "msg_wechatmp": [
        {
            "template_id": "t1",
            "page": "index",
            "data": {"thing1": {"value": "Hello"}},
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        },
    ],
    "msg_sms": [
        {"sign_id": 1, "temp_id": 1, "temp_para": {"code": "1234"}},
        {"sign_id": "1", "temp_id": 1},
        [{"content": "Hello"}, {"temp_id": 1}],
    ],
    "msg_email": [
        {"subject": "Hello", "text": "Hello"},
        {"subject": "Hello", "text": "<p>Hello</p>", "files": []},
    ],
    "msg_alipay_life": [{"template_id": "e5326c1d5c71419893646ad9571a93e8", "context": ALIPAY}],
    "msg_dingtalk_cc": [
        {"msg": {"msgtype": "text", "text": {"content": "Hello"}}},
        {"text": "Hello again"},
    ],
    "msg_wechatwk": [
        {"msgtype": "text", "text": {"content": "Hello"}, **CHECKED},
        {"msgtype": "image", "image": {"media_id": "m1"}},
        {"msgtype": "file", "file": {"media_id": "m1"}},
        {
            "msgtype": "news",
            "news": {
                "articles": [ARTICLE, {"title": "News", "appid": "wx1", "pagepath": "pages/index"}]
            },
        },
        {
            "msgtype": "mpnews",
            "mpnews": {"articles": [{**PAGE, "content_source_url": "https://www.jiguang.cn"}]},
        },
        {
            "msgtype": "miniprogram_notice",
            "miniprogram_notice": {**NOTICE, "content_item": [{"key": "单号", "value": "1042"}]},
        },
    ],
}
USER = {
    "tag": {"all": ["tag1"], "1234": ["tag2"]},
    "phone": {"all": "18756432567", "1234": "18756432568"},
    "email": {"all": "wujb@jpush.cn"},
    "app": {"app123": ["1104a89792bbb69299a"]},
    "wechatoa": {"oa123": "oMtZu6kApZYEPJJWwyIHpWQ2L_DI"},
    "wechatmp": {"mp123": "oXNQs5B3LGA3xkU7-g2SdK3SsUaw"},
    "alipaylife": {"life123": "2088102733318286"},
    "dingtalkcc": "a3c213779d163837895b30f47aaa94c3",
    "wechatwk": "zhangsan",
    "wechatwk_linkedcorp": ["CorpId1/userid1"],
}
ATTRIBUTES = {
    "cuid": 10362819,
    "data": {"city": "深圳", "vip": 1, "since": "2023-09-21 10:00:00", "likes": ["a", "b"]},
}
EVENTS = {
    "appKey": "1234",
    "data": [
        {
            "cuid": 10362819,
            "eventName": "order",
            "itime": 1675929600000,
            "randomId": "r1",
            "properties": {"paid": "true", "items": ["a"]},
        },
        {
            "cuid": 10362819,
            "eventName": "order",
            "itime": 1675929600001,
            "properties": {"first": "0", "at": 1675929600001},
        },
    ],
}


def fitted(printed: str | Mapping[str, Any] | list[Any], ids: Mapping[str, Any]) -> Any:
    """Replace the printed keys and ids of a body by those of a deployment.

    Names of fields and numbers are replaced alike.
    """
    return _fitted(json.loads(printed) if isinstance(printed, str) else printed, ids)


def _fitted(value: Any, ids: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {str(ids.get(name, name)): _fitted(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [_fitted(item, ids) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    replacement = ids.get(str(value))
    return value if replacement is None else type(value)(replacement)


def messages() -> list[tuple[str, dict[str, Any]]]:
    """Return a named ordinary message for each content, to the registration ids of its type."""
    audiences = json.loads(REGISTRATION_IDS)
    bodies: list[tuple[str, dict[str, Any]]] = []
    for field, elements in CONTENTS.items():
        channel_types = [field.removeprefix("msg_")]
        if field == "msg_wechatwk":
            channel_types.append("wechatwk_linkedcorp")
        for n, element in enumerate(elements):
            contents = element if isinstance(element, list) else [element]
            for channel_type in channel_types:
                audience = f"aud_{channel_type}"
                body = {audience: audiences[audience], field: contents}
                bodies.append((f"{channel_type} {n}", body))
    return bodies
