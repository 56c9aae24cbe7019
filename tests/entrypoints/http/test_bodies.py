"""JSON bodies: what is taken as it was written, and what is refused."""

from __future__ import annotations

import json

import pytest

from chalicelib.entrypoints.http import bodies
from chalicelib.entrypoints.http.errors import Refused
from tests.entrypoints.conftest import KEY, OPERATOR, Api, message
from tests.entrypoints.http.ums.sends import stored


@pytest.mark.parametrize("literal", ["1E+3", "100.00", "1.0", "-0.50", "1e-7", "3", "-0.0"])
def test_a_number_keeps_its_literal(literal: str) -> None:
    value = bodies.parse_json(f'{{"a": {literal}}}'.encode())["a"]
    assert str(value) == literal
    assert value == float(literal)
    assert json.loads(json.dumps(value)) == float(literal)


def test_people_receive_the_number_that_the_sender_wrote(configured: Api) -> None:
    contents = {"app": {"alert": "{{name}}"}}
    made = {"channel_key": KEY, "name": "prices", "contents": contents}
    number = configured.admin("POST", "templates", made, auth=OPERATOR).json["template_id"]
    body = json.dumps(message(template_id=number, template_para={"name": "?"}, rule_id=0))
    sent = configured.send(raw=body.replace('"?"', "100.00").encode())
    assert stored(configured, sent).contents["app1"]["alert"] == "100.00"


@pytest.mark.parametrize(
    "raw", ["你好".encode("gbk"), "你好".encode()[:-1], "hi \ufffd\ufffd".encode(), b"\xff"]
)
def test_bytes_that_are_not_utf8_are_refused_also_where_the_gateway_replaced_them(
    raw: bytes,
) -> None:
    with pytest.raises(Refused, match="must be UTF-8"):
        bodies.parse_json(b'{"a": "' + raw + b'"}')


def test_an_author_who_means_the_replacement_character_writes_its_escape() -> None:
    assert bodies.parse_json(b'["\\ufffd"]') == ["\ufffd"]


@pytest.mark.parametrize("inner", ["0", "{}", "[]", '""', '",[{"'])
def test_a_body_has_a_limited_number_of_values(inner: str) -> None:
    most = bodies.MAX_VALUES
    per = 2 if inner in ("{}", "[]") else 1  # a list that may hold more counts as one more
    fits = f"[{','.join([inner] * ((most - 2) // per))}]".encode()
    assert len(bodies.parse_json(fits)) == (most - 2) // per
    with pytest.raises(Refused, match="values"):
        bodies.parse_json(f"[{','.join([inner] * most)}]".encode())


def test_a_text_may_hold_any_number_of_commas() -> None:
    text = ',[{\\"' * bodies.MAX_VALUES
    assert len(bodies.parse_json(f'["{text}"]'.encode())[0]) == 4 * bodies.MAX_VALUES


def test_the_repeated_name_is_told() -> None:
    with pytest.raises(Refused, match='duplicate key "b"'):
        bodies.parse_json(b'{"a": 1, "b": 2, "b": 3, "a": 4}')
