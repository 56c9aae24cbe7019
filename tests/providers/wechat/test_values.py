"""Values of WeChat's templates by their kind, as WeChat's page has them."""

from __future__ import annotations

import pytest

from chalicelib.domain.rules.third_party import refusal
from chalicelib.providers.alipay_life import alipay_content
from chalicelib.providers.wechat.registry import fields_of
from chalicelib.providers.wechat.values import KINDS, kind_of

GOOD_AND_BAD = [
    ("thing", "汉字 abc 123 #!", "字" * 21),
    ("number", "-12.50", "12a"),
    ("letter", "abC", "a1"),
    ("symbol", "#!~", "#a"),
    ("character_string", "A-7 #", "号"),
    ("time", "15:01", "at noon"),
    ("time", "2019年10月1日 15:01", "2019年10月1日"),
    ("time", "15:01~16:00", "15"),
    ("date", "2019年10月1日", "15:01"),
    ("date", "2018-01-01 15:01", "01012018"),
    ("date", "2018/01/01~2018/02/01", "tomorrow"),
    ("date", "2018.01", "2018"),
    ("amount", "￥30.00", "thirty"),
    ("amount", "30元", "12345678901"),
    ("phone_number", "+86-0766-66888866", "call me"),
    ("car_number", "粤A8Z888挂", "粤A粤Z888"),
    ("name", "张三丰", "张" * 11),
    ("name", "Ann O'Neil", "a" * 21),
    ("phrase", "配送中", "sent"),
    ("const", "x", "x" * 21),
]


@pytest.mark.parametrize(("kind", "good", "bad"), GOOD_AND_BAD)
def test_a_kind_has_its_values(kind: str, good: str, bad: str) -> None:
    assert refusal(KINDS[kind], good) is None
    assert str(refusal(KINDS[kind], bad)).startswith("must ")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("thing1", "thing"),
        ("character_string12", "character_string"),
        ("keyword1", ""),
        ("first", ""),
        ("time", ""),
    ],
)
def test_a_name_with_a_number_tells_its_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_a_copied_text_tells_its_fields() -> None:
    text = "{{first.DATA}}\n订单号：{{keyword1.DATA}}\n时间: { {time2.DATA} }\n{{first.DATA}}"
    fields = [(field.name, field.label, field.kind) for field in fields_of(text)]
    assert fields == [("first", "", ""), ("keyword1", "订单号", ""), ("time2", "时间", "time")]


@pytest.mark.parametrize(
    "text", ["keyword1、keyword2、remark", "{{keyword1.DATA}} {{keyword2.DATA}}\n{{remark.DATA}}"]
)
def test_key_fields_of_alipay_may_be_copied_with_braces_or_without(text: str) -> None:
    assert [field.name for field in alipay_content.fields_of(text)] == [
        "keyword1",
        "keyword2",
        "remark",
    ]
