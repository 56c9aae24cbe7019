"""Templates of WeChat's accounts, and the public library that they choose from.

Sources: developers.weixin.qq.com/doc/service/api/notify/template/api_getalltemplates and
…/subscribe-message/ (getTemplateList, getCategory, getPubTemplateTitleList,
getPubTemplateKeyWordsById, addTemplate). `/_console/template` does what people do on WeChat's
pages.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account
from infra.sandbox.vendor import Core, Refusal
from infra.sandbox.wechat import rules
from infra.sandbox.wechat.requests import Requests

MOST = 25  # templates of an account
SCENE_CHARACTERS = 15
PAGE = 30

CATEGORIES = [{"id": 616, "name": "公交"}, {"id": 2, "name": "电商平台"}]
# Titles of the library: number, words, 2 (once) or 3 (long-term), category.
TITLES: Sequence[tuple[int, str, int, int]] = (
    (99, "付款成功通知", 2, 616),
    (100, "订单发货通知", 2, 2),
    (101, "退款成功通知", 2, 2),
    (102, "行程提醒", 3, 616),
    *((n, f"服务提醒{n}", 2, 2) for n in range(200, 240)),
)
# Keywords of every template of the library: number, words, kind and example.
KEYWORDS: Sequence[tuple[int, str, str, str]] = (
    (1, "物品名称", "thing", "名称"),
    (2, "金额", "amount", "￥30.00"),
    (3, "时间", "date", "2026年11月29日 15:01"),
    (4, "状态", "phrase", "配送中"),
    (5, "单号", "character_string", "A-7"),
)

Template = dict[str, Any]


class Templates:
    """The templates of each account by its AppID. They survive until the sandbox ends."""

    def __init__(self, core: Core, requests: Requests) -> None:
        self._core, self._requests = core, requests
        self._messages: dict[str, dict[str, Template]] = {}
        self._notices: dict[str, dict[str, Template]] = {}
        self._gone: set[tuple[str, str]] = set()

    def routes(self) -> Sequence[web.RouteDef]:
        library = "/wxaapi/newtmpl"
        return [
            web.get("/cgi-bin/template/get_all_private_template", self.messages, allow_head=False),
            web.get(f"{library}/gettemplate", self.notices, allow_head=False),
            web.get(f"{library}/getcategory", self.categories, allow_head=False),
            web.get(f"{library}/getpubtemplatetitles", self.titles, allow_head=False),
            web.get(f"{library}/getpubtemplatekeywords", self.keywords, allow_head=False),
            web.post(f"{library}/addtemplate", self.add),
            web.post("/_console/template", self.console),
        ]

    def check(self, account: Account, template_id: Any) -> list[str] | None:
        """Return the fields of a template, None if nothing is known of it. Raises Refusal."""
        known = (account.app_key, str(template_id))
        if known in self._gone:
            raise rules.error(40037)
        for kept in (self._messages, self._notices):
            if template := kept.get(account.app_key, {}).get(str(template_id)):
                return re.findall(r"\{\{(\w+)\.DATA\}\}", template["content"])
        return None

    async def messages(self, request: web.Request) -> web.Response:
        account = self._begin(request)
        listed = [
            {
                "template_id": id,
                "primary_industry": "IT科技",
                "deputy_industry": "互联网",
                **template,
            }
            for id, template in self._messages.get(account.app_key, {}).items()
        ]
        return web.json_response({"template_list": listed})

    async def notices(self, request: web.Request) -> web.Response:
        account = self._begin(request)
        kept = self._notices.get(account.app_key, {})
        return _answer(data=[{"priTmplId": id, "type": 2, **kept[id]} for id in kept])

    async def categories(self, request: web.Request) -> web.Response:
        self._begin(request)
        return _answer(data=CATEGORIES)

    async def titles(self, request: web.Request) -> web.Response:
        self._begin(request)
        ids = request.query.get("ids", "").split(",")
        known = [title for title in TITLES if str(title[3]) in ids]
        if not known:
            raise rules.error(200019)
        start, limit = (int(request.query.get(name, "0")) for name in ("start", "limit"))
        if not 0 < limit <= PAGE:
            raise rules.error(200017)
        names = ("tid", "title", "type", "categoryId")
        page = [dict(zip(names, title, strict=True)) for title in known[start : start + limit]]
        return _answer(count=len(known), data=page)

    async def keywords(self, request: web.Request) -> web.Response:
        self._begin(request)
        _title(request.query.get("tid", ""))
        names = ("kid", "name", "rule", "example")
        listed = [dict(zip(names, keyword, strict=True)) for keyword in KEYWORDS]
        return _answer(count=len(listed), data=listed)

    async def add(self, request: web.Request) -> web.Response:
        call, body = await self._requests.read(request)
        account = self._requests.holder(request, call)
        try:
            title, kids = _title(body.get("tid")), body.get("kidList")
            known = {keyword[0]: keyword for keyword in KEYWORDS}
            if not isinstance(kids, list) or not 2 <= len(kids) <= 5 or not set(kids) <= set(known):
                raise rules.error(200020)
            if len(str(body.get("sceneDesc") or "")) > SCENE_CHARACTERS:
                raise rules.error(200021)
            kept = self._notices.setdefault(account.app_key, {})
            if len(kept) >= MOST:
                raise rules.error(200012)
        except Refusal as refusal:
            raise refusal.about(call) from None
        id = secrets.token_urlsafe(32)[:43]
        chosen = [known[kid] for kid in kids]
        kept[id] = {
            "title": title[1],
            "content": "".join(f"{k[1]}:{{{{{k[2]}{k[0]}.DATA}}}}\n" for k in chosen),
            "example": "".join(f"{k[1]}:{k[3]}\n" for k in chosen),
            "type": title[2],
        }
        return self._requests.answer(
            call, account.app_key, {"errcode": 0, "errmsg": "ok", "priTmplId": id}
        )

    async def console(self, request: web.Request) -> web.Response:
        """Add a template (`{"app_id", "kind", "id", "title", "content"}`), or `delete` it."""
        _, body = await self._requests.read(request)
        app_id, id = str(body.get("app_id", "")), str(body.get("id", ""))
        if body.get("delete"):
            self._gone.add((app_id, id))
            for kept in (self._messages, self._notices):
                kept.get(app_id, {}).pop(id, None)
            return web.json_response({"deleted": id})
        kept = self._notices if body.get("kind") == "notice" else self._messages
        self._gone.discard((app_id, id))
        names = ("title", "content", "example", "keywordEnumValueList", "type")
        template = {name: body[name] for name in names if name in body}
        kept.setdefault(app_id, {})[id] = {"title": "", "content": "", "example": "", **template}
        return web.json_response({"added": id})

    def _begin(self, request: web.Request) -> Account:
        call = self._requests.begun(request)
        account = self._requests.holder(request, call)
        self._requests.answer(call, account.app_key, {})
        return account


def _title(tid: Any) -> tuple[int, str, int, int]:
    for title in TITLES:
        if str(title[0]) == str(tid):
            return title
    raise rules.error(200014)


def _answer(**fields: Any) -> web.Response:
    body: Mapping[str, Any] = {"errcode": 0, "errmsg": "ok", **fields}
    return web.json_response(body)
