"""Whoever reads Chinese reads no English sentence: warnings and refusals are of the API."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.console.conftest import Browser, Page, plain
from tests.console.shops import shop as shop
from tests.console.test_pages import addresses

# Four words in a row. Names that the shop gave, codes and literals are shorter.
SENTENCE = re.compile(r"\b[A-Za-z’']{2,}(?:,? [a-z’']{2,}){3,}")


@pytest.fixture
def chinese(shop: Browser) -> Browser:
    shop.language = "zh"
    return shop


def sentences(page: Page) -> list[str]:
    """Return the English sentences of a page. The raw log has the names of the API's fields."""
    return SENTENCE.findall(plain(re.sub(r'(?s)<table class="log">.*?</table>', "", page.text)))


def test_every_page_is_without_english_sentences(chinese: Browser) -> None:
    said: dict[str, Any] = {}
    for path in addresses(chinese):
        page = chinese.get(path)
        if "html" in page.headers["Content-Type"] and (english := sentences(page)):
            said[path] = english
    assert said == {}


def test_a_template_warns_in_chinese(chinese: Browser) -> None:
    contents = {"c.app.alert": "点击{{url}}查看" + "x" * 1000, "c.sms.content": "{{user.points}}"}
    saved = chinese.post(
        f"/c/{chinese.key}/templates/new",
        {"do": "save", "name": "t", "types": ["app", "sms"], **contents},
    )
    assert saved.status == 200
    for text in ("url: 只在 app 的内容里", "请在中间加空格", "没有默认值", "可能被截断或拒绝"):
        assert text in saved.plain
    assert sentences(saved) == []


def test_a_simulation_warns_in_chinese(chinese: Browser) -> None:
    assert chinese.post("/channels/sms1/pause", {"do": "pause"}).status == 200
    fields = {"kind": "template", "template": "1", "rule_id": "1", "v.name": "Li"}
    page = chinese.post(
        f"/c/{chinese.key}/send/simulation",
        {**fields, "audience": "users", "userids": "u1", "priority": "2"},
    )
    assert "sms1: 通道已暂停" in page.plain
    assert sentences(page) == []


@pytest.mark.parametrize(
    ("path", "fields", "text"),
    [
        ("/templates/new", {"do": "save", "name": "t", "types": ["app"]}, "须填写"),
        ("/rules/words", {"words": "。。。", "enabled": "1"}, "含有字母、汉字或数字"),
    ],
)
def test_a_refusal_is_in_chinese(chinese: Browser, path: str, fields: Any, text: str) -> None:
    page = chinese.post(f"/c/{chinese.key}{path}", fields)
    assert text in page.plain
    assert sentences(page) == []
