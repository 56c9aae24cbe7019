"""Settings and contents of CMPP."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.web.egress import Policy
from tests.providers.sms.cmpp.calls import LOGIN, OPTIONS


@pytest.mark.parametrize(
    ("credentials", "options", "field"),
    [
        ({}, OPTIONS, "credentials.account"),
        ({**LOGIN, "account": "9000011"}, OPTIONS, "credentials.account"),
        ({**LOGIN, "account": "é"}, OPTIONS, "credentials.account"),
        ({**LOGIN, "password": None}, OPTIONS, "credentials.password"),
        ({**LOGIN, "password": "a\0"}, OPTIONS, "credentials.password"),
        ({**LOGIN, "token": "x"}, OPTIONS, "credentials.token"),
        (LOGIN, {}, "options.server"),
        (LOGIN, {"server": "gw"}, "options.access_number"),
        (LOGIN, {**OPTIONS, "access_number": "1069x"}, "options.access_number"),
        (LOGIN, {**OPTIONS, "access_number": "1" * 22}, "options.access_number"),
        (LOGIN, {**OPTIONS, "port": 0}, "options.port"),
        (LOGIN, {**OPTIONS, "port": "7890"}, "options.port"),
        (LOGIN, {**OPTIONS, "version": "4.0"}, "options.version"),
        (LOGIN, {**OPTIONS, "version": 3}, "options.version"),
        (LOGIN, {**OPTIONS, "connections": 0}, "options.connections"),
        (LOGIN, {**OPTIONS, "connections": 65}, "options.connections"),
        (LOGIN, {**OPTIONS, "window": 17}, "options.window"),
        (LOGIN, {**OPTIONS, "numbers_per_submit": 100}, "options.numbers_per_submit"),
        (LOGIN, {**OPTIONS, "group_ids": []}, "options.group_ids"),
        (LOGIN, {**OPTIONS, "alphabet": "utf8"}, "options.alphabet"),
        (LOGIN, {**OPTIONS, "service_code": "12345678901"}, "options.service_code"),
        (LOGIN, {**OPTIONS, "fee_user_type": True}, "options.fee_user_type"),
        (LOGIN, {**OPTIONS, "dead_stats": "MK:0001"}, "options.dead_stats"),
        (LOGIN, {**OPTIONS, "dead_stats": ["MK:00011"]}, "options.dead_stats"),
    ],
)
def test_what_an_operator_enters_wrongly_is_named(
    credentials: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Cmpp(Policy()).check_credentials(credentials, options)
    assert error.value.field == field


def test_the_form_of_ums_is_enough() -> None:
    Cmpp(Policy()).check_credentials(
        LOGIN,
        {
            **OPTIONS,
            "supplier": "a supplier",
            "port": 7890,
            "connections": 64,
            "service_code": "PAY",
        },
    )


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "content"),
        ({"content": " "}, "content"),
        ({"content": "x", "temp_id": 1}, "temp_id"),
        ({"content": "x" * 3061}, "content"),
        ({"content": "你" * 1341}, "content"),
    ],
)
def test_a_template_holds_a_text_and_nothing_else(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        Cmpp(Policy()).check_content(content)
    assert error.value.field == field


@pytest.mark.parametrize("text", ["你" * 1340, "x" * 3060, "你" * 1340 + "{{" + "name" * 20 + "}}"])
def test_a_text_of_as_many_parts_as_there_can_be_is_taken(text: str) -> None:
    Cmpp(Policy()).check_content({"content": text})
