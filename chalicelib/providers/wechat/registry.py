"""Templates of an account as WeChat keeps them, and WeChat's library of templates.

Template messages: developers.weixin.qq.com/doc/service/api/notify/template/api_getalltemplates.
It does not list templates of a category, as people report: those are entered by hand.
Subscription notices and messages: …/notify/api_gettemplatelist, and for mini-programs
…/OpenApiDoc/mp-message-management/subscribe-message/ (getTemplateList, getCategory,
getPubTemplateTitleList, getPubTemplateKeyWordsById, addTemplate). Both have the same API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.provider_io import Account
from chalicelib.domain.third_party import (
    MAX_TITLES,
    Action,
    Field,
    Keyword,
    Registered,
    Sort,
    Title,
)
from chalicelib.providers.base import identifier, number
from chalicelib.providers.errcodes import SUCCESS, TokenApi, VendorAnswer
from chalicelib.providers.registries import PlainRegistry, fields_in, readable
from chalicelib.providers.wechat.values import kind_of

PAGE = 30  # titles of one answer at most
LONG_TERM = 3  # the type of a template that people subscribe to once and for all

MESSAGES = frozenset({Action.REFRESH, Action.ENTER})
NOTICES = frozenset({Action.REFRESH, Action.SYNC, Action.KEYWORDS, Action.CHOOSE})


class WeChatRegistry(PlainRegistry):
    """Implements Registry. `sorts` are those that the account can have."""

    def __init__(
        self, api: TokenApi, account: Account, base_url: str, sorts: Sequence[Sort]
    ) -> None:
        super().__init__(account)
        self._api, self._base_url, self._sorts = api, base_url, sorts

    def all(self) -> Sequence[Registered]:
        listed: list[Registered] = []
        if Sort.MESSAGE in self._sorts:
            answer = self._get("/cgi-bin/template/get_all_private_template")
            listed += self._read(answer.body.get("template_list"), Sort.MESSAGE, "template_id")
        answer = self._get("/wxaapi/newtmpl/gettemplate")
        return listed + self._read(answer.body.get("data"), Sort.NOTICE, "priTmplId")

    def _read(self, listed: Any, sort: Sort, id_name: str) -> list[Registered]:
        entries = [entry for entry in _list(listed) if identifier(entry.get(id_name))]
        return [self._registered(entry, sort, identifier(entry[id_name])) for entry in entries]

    def _registered(self, entry: Mapping[str, Any], sort: Sort, id: str) -> Registered:
        text = readable(entry.get("content"), 2000)
        return Registered(
            self.account.code,
            id,
            sort,
            readable(entry.get("title"), 100),
            text,
            fields_in(text, kind_of, _allowed(entry.get("keywordEnumValueList"))),
            "long_term" if entry.get("type") == LONG_TERM else "",
            readable(entry.get("example"), 2000),
            account=self.account.credentials_fingerprint,
        )

    def titles(self) -> Sequence[Title]:
        listed = _list(self._get("/wxaapi/newtmpl/getcategory").body.get("data"))
        categories = [str(id) for entry in listed if (id := number(entry.get("id"))) is not None]
        titles: list[Title] = []
        for start in range(0, MAX_TITLES if categories else 0, PAGE):
            answer = self._get(
                "/wxaapi/newtmpl/getpubtemplatetitles",
                ids=",".join(categories),
                start=str(start),
                limit=str(PAGE),
            )
            page = _list(answer.body.get("data"))
            titles += [_title(entry) for entry in page if number(entry.get("tid")) is not None]
            if not page or start + PAGE >= (number(answer.body.get("count")) or 0):
                break
        return titles

    def keywords(self, id: str) -> Sequence[Keyword]:
        answer = self._get("/wxaapi/newtmpl/getpubtemplatekeywords", tid=id)
        return [
            Keyword(
                kid,
                readable(e.get("name"), 60),
                readable(e.get("example"), 200),
                identifier(e.get("rule")),
            )
            for e in _list(answer.body.get("data"))
            if (kid := number(e.get("kid"))) is not None
        ]

    def choose(self, id: str, keywords: Sequence[int], scene: str) -> str:
        body = {"tid": id, "kidList": list(keywords), **({"sceneDesc": scene} if scene else {})}
        answer = self._api.post(f"{self._base_url}/wxaapi/newtmpl/addtemplate", body)
        if answer.code != SUCCESS:
            raise self._api.error(answer)
        return identifier(answer.body.get("priTmplId"))

    def _get(self, path: str, **query: str) -> VendorAnswer:
        answer = self._api.get(f"{self._base_url}{path}", query)
        if answer.code != SUCCESS:
            raise self._api.error(answer)
        return answer


def _list(value: Any) -> list[Mapping[str, Any]]:
    return (
        [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
    )


def _title(entry: Mapping[str, Any]) -> Title:
    return Title(
        str(number(entry.get("tid"))),
        readable(entry.get("title"), 100),
        entry.get("type") == LONG_TERM,
        identifier(entry.get("categoryId")),
    )


def _allowed(listed: Any) -> Mapping[str, tuple[str, ...]]:
    """Return the texts that some fields may be: `[{keywordCode: "enum1.DATA", enumValueList}]`."""
    return {
        identifier(entry.get("keywordCode")).removesuffix(".DATA"): tuple(
            readable(text, 60) for text in entry.get("enumValueList") or () if isinstance(text, str)
        )[:100]
        for entry in _list(listed)
        if isinstance(entry.get("enumValueList"), list)
    }


def fields_of(text: str) -> tuple[Field, ...]:
    """Return the fields of a text that an operator has copied from WeChat's pages."""
    return fields_in(text, kind_of)
