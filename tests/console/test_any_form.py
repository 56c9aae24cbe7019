"""Every form and every address gets a page that does not blame the server."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.console.routes import ROUTES
from tests.console import hostile
from tests.console.conftest import Browser
from tests.console.shops import shop as shop
from tests.profiles import examples

CHANGES = sorted((r for r in ROUTES if r.method == "POST"), key=lambda r: r.path)
READS = sorted((r for r in ROUTES if r.method == "GET"), key=lambda r: r.path)


def address(shop: Browser, path: str, parts: dict[str, str]) -> str:
    """Fill in an address: with what exists, unless `parts` has something else."""
    ids = {"key": shop.key, "msgid": shop.msgid, "userid": "u1", "target": "u1", "code": "sms1"}
    ids |= {"tab": "segments", "kind": "black"}
    known = {**ids, **parts}
    return re.sub(r"\{(\w+)\}", lambda m: quote(known.get(m[1], "1"), safe=""), path)


def parts(path: str) -> Any:
    names = re.findall(r"\{(\w+)\}", path)
    values = st.sampled_from(hostile.VALUES[:-1]).filter(bool).filter(lambda v: len(v) < 2000)
    other = st.dictionaries(st.sampled_from(names), values, max_size=1) if names else st.just({})
    return st.one_of(st.just({}), st.just({}), other)


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.path)
def test_no_form_is_our_fault(shop: Browser, route: Any) -> None:
    form = hostile.shown(shop, route)

    @examples(10, repeated=4)
    @given(fields=hostile.changes(form), ids=parts(route.path), part=st.booleans())
    def ask(fields: dict[str, list[str]], ids: dict[str, str], part: bool) -> None:
        shop.world.clock.advance(1)
        headers = {"hx_request": "true"} if part else {}
        hostile.check(shop.post(address(shop, route.path, ids), fields, **headers))

    ask()


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.path)
def test_no_unknown_word_in_a_field_is_our_fault(shop: Browser, route: Any) -> None:
    """Each field in turn, in a form that is shown again."""
    form = {name: values[:1] for name, values in hostile.shown(shop, route).items()}
    for name in form.keys() - {"csrf"}:
        shop.world.clock.advance(1)
        fields = {**form, "csrf": [shop.csrf], "do": ["show"], name: ["nosuch"]}
        hostile.check(shop.post(address(shop, route.path, {}), fields))


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
def test_no_address_is_our_fault(shop: Browser, route: Any) -> None:
    asked = st.dictionaries(
        st.sampled_from(hostile.QUESTIONS), st.sampled_from(hostile.VALUES), max_size=3
    )

    @examples(5, repeated=3)
    @given(query=asked, ids=parts(route.path), part=st.booleans())
    def ask(query: dict[str, str], ids: dict[str, str], part: bool) -> None:
        shop.world.clock.advance(1)
        headers = {"hx_request": "true"} if part else {}
        path = address(shop, route.path, ids) + (f"?{urlencode(query)}" if query else "")
        hostile.check(shop.get(path, **headers))

    ask()
