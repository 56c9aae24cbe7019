"""Every header gets a page that does not blame the server, and forms are read where they may be."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import observability
from chalicelib.console.routes import ROUTES
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.console import forms
from tests.console import hostile
from tests.console.conftest import Browser, a_member
from tests.console.shops import shop as shop
from tests.console.test_any_form import address
from tests.console.test_third_party import PNG, SIGNATURE
from tests.entrypoints.http import any_headers

SIGNATURES = "/channels/sms1/signatures/new"
WITH_FILES = {"/channels/{code}/signatures/new", "/channels/{code}/signatures/{id}"}
BODIES = (b"", b"--b\r\n\r\nx", b"\xff\x00")


def ask(browser: Browser, method: str, path: str, headers: Any, body: bytes = b"") -> Any:
    browser.world.clock.advance(1)
    return browser._ask(method, path, body, headers)


def test_no_header_is_our_fault(shop: Browser) -> None:
    for route in ROUTES:
        path = address(shop, route.path, {})
        for value in any_headers.VALUES:
            hostile.check(ask(shop, route.method, path, any_headers.all_with(value)))


@pytest.mark.parametrize("media", any_headers.MEDIA)
@pytest.mark.parametrize("body", BODIES)
def test_no_media_type_of_a_form_is_our_fault(shop: Browser, media: str, body: bytes) -> None:
    for path in (SIGNATURES, "/sign-in", "/nothing"):
        page = ask(shop, "POST", path, {"content-type": media}, body)
        assert 400 <= page.status < 500, page.plain
        hostile.check(page)


def test_only_pages_with_a_field_of_files_take_files() -> None:
    assert {route.path for route in ROUTES if route.takes_files} == WITH_FILES


def test_a_form_with_files_is_read_by_no_other_page(shop: Browser) -> None:
    page = shop.upload("/channels/new", {"platform": "jsms"}, {"a.png": PNG})
    assert page.status == 415
    assert forms.URLENCODED in page.plain


@pytest.mark.parametrize("path", ["/sign-in", "/channels/new", "/account/preferences"])
def test_a_large_form_is_read_by_no_page_without_files(shop: Browser, path: str) -> None:
    body = b"name=" + b"x" * forms.MAX_FORM
    headers = {"content-type": forms.URLENCODED}
    assert ask(shop, "POST", path, headers, body).status == 413


@pytest.mark.parametrize("body", [b"--b", bytes(5_000_000)])
def test_a_form_is_not_read_for_a_stranger_or_somebody_without_the_role(
    shop: Browser, body: bytes
) -> None:
    stranger, reader = Browser(shop.world), Browser(shop.world)
    a_member(shop.world, Role.READ_ONLY, "other")
    reader.sign_in("other")
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert 400 <= ask(shop, "POST", SIGNATURES, headers, body).status <= 413
    assert ask(stranger, "POST", SIGNATURES, headers, body).headers["Location"].endswith("/sign-in")
    assert ask(reader, "POST", SIGNATURES, headers, body).status == 403


@pytest.mark.parametrize("number", [5, 6, 20, 90])
def test_too_many_images_are_refused_beside_their_field(shop: Browser, number: int) -> None:
    images = {f"{n}.png": PNG for n in range(number)}
    page = shop.upload(SIGNATURES, SIGNATURE, images)
    assert page.status == 400
    assert 'id="f-images-e"' in page.text
    assert "4" in page.text.partition('id="f-images-e"')[2][:300]
    assert page.field("text") == SIGNATURE["text"]


def test_a_form_that_cannot_be_read_says_so_and_is_not_a_refused_access(
    shop: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    page = shop.upload(SIGNATURES, SIGNATURE, {f"{n}.png": PNG for n in range(200)})
    assert (page.status, page.title) == (400, "That did not work")
    assert f"more than {forms.MAX_PARTS} parts" in page.plain
    many = b"&".join(b"a=1" for _ in range(forms.MAX_FIELDS + 1))
    page = ask(shop, "POST", "/channels/new", {}, many)
    assert (page.status, page.title) == (400, "That did not work")
    assert "more than 5,000 fields" in page.plain
    assert "page_refused" not in capsys.readouterr().out


def test_a_refused_part_of_a_page_is_a_security_event_too(
    world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A header that anybody can send must not make refusals silent."""
    observability.set_up()
    a_member(world, Role.READ_ONLY)
    browser = Browser(world)
    browser.sign_in()
    capsys.readouterr()
    assert browser.get("/account", hx_request="true").status == 200
    assert '"page_refused"' not in capsys.readouterr().out
    for path, headers in (("/access/new", {}), ("/account", {"sec_fetch_site": "cross-site"})):
        assert browser.post(path, hx_request="true", **headers).status == 200
        assert '"page_refused"' in capsys.readouterr().out
