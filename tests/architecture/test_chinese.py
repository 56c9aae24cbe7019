"""Chinese texts for people: full-width punctuation, spaces beside Latin, and one word per thing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.console.catalogue import stored

ROOT = Path(__file__).resolve().parents[2] / "chalicelib"
HAN = "[\u3400-\u9fff]"

# Texts that others have published, and examples of what senders write.
OTHERS = {"entrypoints/http/operation_growth.py", "entrypoints/http/openapi/examples.py"}
UMS = {"模板ID不存在"}

# Half-width punctuation beside Chinese, also behind the space that follows it.
PUNCTUATION = re.compile(
    rf"{HAN} ?[,:;!?()]|[,:;!?()](?<!http\(s\)) ?{HAN}"
    "|[，。；：！？、（）「」] (?!/ )| [，。；：！？、）」]"
)
SPACES = re.compile(rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}")
# What the glossary of the interface calls otherwise, or leaves unsaid.
WORDS: Mapping[str, str] = {
    "分群": "人群",
    "审计日志": "改动记录",
    "散列": "哈希",
    "审批": "审核",
    "召回": "撤回",
    "屏蔽": "停发",
    "操作员": "运营",
    "接入渠道": "渠道",
    "渠道标识": "Channel Key",
    "访问密钥": "Access Key",
    "非法": "what is right",
    "不合法": "what is right",
    "必须": "须",
    "您": "你",
    "！": "。",
}


class Said(NamedTuple):
    place: str
    text: str


def literals() -> Iterator[Said]:
    """Yield Chinese literals of the code, without docstrings and patterns."""
    for path in sorted(ROOT.rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if place in OTHERS:
            continue
        source = path.read_text()
        tree = ast.parse(source if re.search(HAN, source) else "")
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_prose = id(node) not in docs and not re.search(r"鿿|\\d", node.value)
                if is_prose and node.value not in UMS and re.search(HAN, node.value):
                    yield Said(f"{place}:{node.lineno}", node.value)


def catalogue() -> Iterator[Said]:
    """Yield the console's texts. Their values stand for words, mostly Chinese ones."""
    for message in stored():
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        yield from (Said(f"zh.po: {message.id}", text) for text in texts if message.id)


ALL = [*literals(), *catalogue()]


@pytest.mark.parametrize("rule", [PUNCTUATION, SPACES], ids=["punctuation", "spaces"])
def test_chinese_is_set_as_people_set_it(rule: re.Pattern[str]) -> None:
    assert len(ALL) > 2000
    texts = ((said.place, re.sub(r"%\(\w+\)[sd]|%%", "%", said.text)) for said in ALL)
    assert [(place, text) for place, text in texts if rule.search(text)] == []


@pytest.mark.parametrize("word", WORDS)
def test_a_thing_has_one_word(word: str) -> None:
    heard = ("domain/reply_words.py",)  # what people write to us
    found = [said for said in ALL if word in said.text and not said.place.startswith(heard)]
    assert found == [], f"say {WORDS[word]}"
