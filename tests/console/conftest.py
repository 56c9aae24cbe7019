"""A browser without a browser: pages of the console on fakes, with cookies and forms."""

from __future__ import annotations

import base64
import gzip
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from chalicelib import wiring
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.entrypoints.http.console import door
from chalicelib.manage import logins, members
from infra.console.build import build
from tests import answered
from tests.entrypoints import http_api
from tests.entrypoints.conftest import RealProviders, sha256
from tests.fakes.world import FakeWorld

NAME, PASSWORD = "xiaohe", "a good long password"
GLOBAL_KEY, GLOBAL_SECRET = "operator", "an access secret"


@pytest.fixture(scope="session", autouse=True)
def assets() -> None:
    """Build the assets and the catalogues, unless they are built."""
    build()


@pytest.fixture(scope="module", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Hash passwords quickly, since most tests here sign in. The tests of logins do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logins, "MEMORY", 8)
        patch.setattr(logins, "PASSES", 1)
        yield


@dataclass
class Page:
    status: int
    headers: Mapping[str, str]
    text: str
    cookies: list[str]
    path: str

    @property
    def title(self) -> str:
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.DOTALL)
        return plain(found[1]) if found else ""

    @property
    def plain(self) -> str:
        return plain(re.sub(r"(?s)<(script|style)[^>]*>.*?</\1>", "", self.text))

    def field(self, name: str) -> str:
        """Return the value of a form's field."""
        escaped = re.escape(name)
        found = re.search(rf'name="{escaped}"[^>]*? value="([^"]*)"', self.text)
        if found is None:
            found = re.search(rf'name="{escaped}"[^>]*>\n?([^<]*)</textarea>', self.text)
        assert found is not None, f"no field {name}"
        return html.unescape(found[1])


def plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@dataclass
class Browser:
    """Keeps cookies, follows redirects, and adds the token of forms."""

    world: Any
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    key: str = ""  # of the access channel that a test made
    msgid: str = ""

    def get(self, path: str, **headers: str) -> Page:
        return self._follow(self._ask("GET", path, {}, headers))

    def post(self, path: str, fields: Mapping[str, Any] | None = None, **headers: str) -> Page:
        sent = {"csrf": self.csrf, **(fields or {})}
        return self._follow(self._ask("POST", path, sent, headers))

    def upload(self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Page:
        """Send a form with files, as a browser does."""
        boundary = "----boundary"
        texts = {"csrf": self.csrf, **fields}
        parts = [(f'name="{name}"', text.encode()) for name, text in texts.items()]
        parts += [
            (f'name="images"; filename="{name}"\r\nContent-Type: image/png', content)
            for name, content in files.items()
        ]
        body = b"".join(
            f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode()
            + content
            + b"\r\n"
            for about, content in parts
        )
        media = f"multipart/form-data; boundary={boundary}"
        whole = body + f"--{boundary}--\r\n".encode()
        return self._follow(self._ask("POST", path, whole, {"content-type": media}))

    def sign_in(self, name: str = NAME, password: str = PASSWORD) -> Page:
        page = self.post("/sign-in", {"name": name, "password": password})
        found = re.search(r'name="csrf" value="(\w+)"', page.text)
        self.csrf = found[1] if found else ""
        return page

    def _follow(self, page: Page) -> Page:
        hops = 0
        while page.status == 303:
            assert hops < 5, f"{page.path} leads in a circle"
            hops += 1
            location = page.headers["Location"]
            assert location.startswith("/console"), location
            page = self._ask("GET", location.removeprefix("/console") or "/", {}, {})
        return page

    def _ask(self, method: str, path: str, fields: Mapping[str, Any] | bytes, headers: Any) -> Page:
        address = urlsplit(path)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"accept-language": self.language, "accept-encoding": "gzip", **sent}
        root = "" if address.path == "/" else address.path
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": f"/console{http_api.decoded(root)}",
            "rawQueryString": address.query,
            "headers": sent,
            "cookies": [f"{name}={value}" for name, value in self.cookies.items()],
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
                "requestId": "r",
            },
        }
        if method == "POST":
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
            body = fields if isinstance(fields, bytes) else urlencode(fields, doseq=True).encode()
            event["body"] = base64.b64encode(body).decode()
            event["isBase64Encoded"] = True
        answer = door.answer(self.world, event)
        answered.count("console", answer["statusCode"])
        self._keep(answer.get("cookies", []))
        return _page(answer, path)

    def _keep(self, cookies: list[str]) -> None:
        for cookie in cookies:
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


def _page(answer: Mapping[str, Any], path: str) -> Page:
    raw = answer.get("body") or ""
    content = base64.b64decode(raw) if answer.get("isBase64Encoded") else raw.encode()
    headers = dict(answer["headers"])
    if headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    text = content.decode("utf-8", "replace")
    return Page(answer["statusCode"], headers, text, answer.get("cookies", []), path)


@pytest.fixture
def fake() -> FakeWorld:
    return a_fake()


def a_fake() -> FakeWorld:
    fake = FakeWorld()
    fake.records.of(MEMBERS).unlisted[GLOBAL_KEY] = Member(
        GLOBAL_KEY, "", Role.ADMINISTRATOR, sha256(GLOBAL_SECRET)
    )
    return fake


@pytest.fixture
def world(fake: FakeWorld) -> Iterator[Any]:
    world = replace(fake.ports, providers=RealProviders())
    wiring.use(world)
    yield world
    wiring.use(None)


def a_member(world: Any, role: Role, name: str = NAME) -> str:
    """Add a member with a login and a password of its own. Return the access key."""
    member, _ = members.add(world, f"member {name}", role)
    login, password = logins.give(world, member.key, name)
    logins.change_password(world, login, password, PASSWORD)
    return member.key


@pytest.fixture
def browser(world: Any) -> Browser:
    """A browser of an administrator who is signed in."""
    return signed_in(world)


def signed_in(world: Any) -> Browser:
    a_member(world, Role.ADMINISTRATOR)
    browser = Browser(world)
    browser.sign_in()
    return browser


def query_of(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.path).query))
