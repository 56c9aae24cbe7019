"""Texts: each has a translation, each code has a sentence, and numbers are written as people do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from chalicelib.console import assets, contents, labels
from chalicelib.console.pages.messages import answers
from chalicelib.console.texts import Texts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import FactKind
from chalicelib.domain.members import Role
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.rules.checks import CHECKS, Stage
from chalicelib.entrypoints.http import admin, route, ums
from chalicelib.providers import registry
from infra.console.build import CONSOLE
from infra.console.catalogue import extract, stored
from tests.console.conftest import Browser

NOW = 1_795_000_000_000


def test_every_text_has_a_translation_and_every_translation_a_text() -> None:
    known = {message.id: message for message in stored() if message.id}
    texts = {message.id for message in extract() if message.id}
    assert texts - known.keys() == set()
    assert known.keys() - texts == set()
    for id, message in known.items():
        english = id[0] if isinstance(id, tuple) else id
        chinese = message.string[0] if isinstance(message.string, tuple) else message.string
        assert chinese, english
        names = set(re.findall(r"%\((\w+)\)", english))
        assert set(re.findall(r"%\((\w+)\)", chinese)) == names, english


def test_every_loss_fact_state_role_and_channel_type_has_its_words() -> None:
    assert {loss.value for loss in TargetLoss} >= set(answers.MENDED_BY_USER)
    assert {fact.value for fact in FactKind} <= labels.FACTS.keys()
    assert set(labels.ROLES) == {role.value for role in Role}
    assert set(labels.TYPES) == set(contents.FIELDS) == {kind.value for kind in ChannelType}
    staged = {kind for _, _, kinds in labels.LOSS_STAGES for kind in kinds}
    assert staged - {loss.value for loss in TargetLoss} <= labels.FACTS.keys()
    assert labels.TARGETS.keys() - answers.STATES.keys() == {"invalid"}


def test_every_check_of_a_target_has_its_words() -> None:
    of_targets = {check.name for check in CHECKS if check.stage is Stage.TARGET}
    assert of_targets == labels.CHECKS.keys()


# Lists that are short by what they are: the newest, and whether there is any.
SHORT = {"overview", "_first_steps"}


def test_a_list_is_read_to_its_end_or_shown_with_its_next_page() -> None:
    found = {}
    for file in CONSOLE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                words = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
                if "limit" in words:
                    found[node.name] = "cursor" in words
    assert {name for name, goes_on in found.items() if not goes_on} == SHORT


def test_every_call_of_a_page_is_a_route_of_the_api() -> None:
    assert admin.ROUTES
    assert ums.ROUTES
    called = re.compile(
        r"""visit\.api\.(get|change|send)\(\s*(?:visit\.key,\s*)?(?:"([A-Z]+)",\s*)?"([^"]+)\""""
    )
    for path in CONSOLE.rglob("page.py"):
        for kind, method, address in called.findall(path.read_text()):
            verb = {"get": "GET", "send": "POST"}.get(kind, method)
            full = address if kind == "send" else f"/admin/v1/{address}"
            if verb and (method or kind != "change"):
                assert f"{verb} {full}" in route.VIEWS, f"{path.parent.name}: {verb} {full}"


@pytest.mark.parametrize(
    ("ago", "english", "chinese"),
    [
        (0, "just now", "刚刚"),
        (59_000, "just now", "刚刚"),
        (60_000, "1 min ago", "1 分钟前"),
        (7_200_000, "2 h ago", "2 小时前"),
        (90_000_000, "11-17 18:06", "11-17 18:06"),
    ],
)
def test_times_are_relative_within_a_day(ago: int, english: str, chinese: str) -> None:
    assert Texts("en", 8, NOW).relative(NOW - ago) == english
    assert Texts("zh", 8, NOW).relative(NOW - ago) == chinese


def test_shares_have_no_value_without_a_whole() -> None:
    assert Texts.percent(1, 3) == "33.3%"
    assert Texts.percent(0, 0) == "–"
    assert Texts.number(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("length", "parts", "over"), [(0, 1, 0), (70, 1, 0), (71, 2, 4), (135, 3, 1)]
)
def test_an_sms_is_counted_in_parts(length: int, parts: int, over: int) -> None:
    assert contents.size("字" * length)[1:] == (parts, over)


def test_an_emoji_counts_twice_in_an_sms() -> None:
    assert contents.size("😀").characters == 2


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("app", {"title": "a", "alert": "b"}),
        ("sms", {"content": "x"}),
        ("sms", {"temp_id": 1, "sign_id": 2, "temp_para": {"a": "b = c"}}),
        ("email", {"subject": "s", "text": "t", "html": "<p>"}),
        ("wechatoa", {"type": 0, "template_id": "t", "data": {"a": {"value": "b"}}, "url": "u"}),
        ("wechatwk", {"msgtype": "text", "text": {"content": "x"}}),
        ("alipay_life", {"template_id": "t", "context": {"keyword1": {"value": "v"}, "url": "u"}}),
        ("app", {"notification": {"alert": "x"}}),
        ("wechatwk", {"msgtype": "news", "news": {"articles": []}}),
        ("sms", [{"content": "a"}, {"content": "b"}]),
    ],
)
def test_a_content_survives_the_form(kind: str, content: object) -> None:
    assert contents.make_any(kind, contents.show(kind, content)) == content


def test_assets_are_kept_for_a_year_and_only_those_of_the_build_are_served() -> None:
    name = assets.manifest()["files"]["console.css"]
    packed, plain = assets.serve(name, "gzip, br"), assets.serve(name, "")
    assert packed is not None
    assert plain is not None
    assert "immutable" in packed.headers["Cache-Control"]
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)
    for wrong in ("manifest.json", "zh.mo", "../app.py", "", "console.css"):
        assert assets.serve(wrong, "") is None


def test_assets_keep_to_their_budgets() -> None:
    sizes = {
        name: len(assets.serve(file, "gzip").body)  # type: ignore[union-attr]
        for name, file in assets.manifest()["files"].items()
    }
    assert sizes["console.css"] <= 25_000
    assert sizes["console.js"] + sizes["htmx.js"] <= 18_000
    assert sizes["icons.svg"] + sizes["inter-latin.woff2"] <= 55_000
    assert sizes["charts.js"] <= 190_000


def test_templates_and_sources_are_small() -> None:
    files = [*CONSOLE.rglob("*.html"), *(Path("infra/console").rglob("*.css"))]
    assert {path.name for path in files if len(path.read_text().splitlines()) > 320} == set()


@pytest.mark.parametrize("platform", sorted(registry.capabilities()))
def test_every_credential_has_words(browser: Browser, platform: str) -> None:
    page = browser.get(f"/channels/new?platform={platform}").text
    for name in registry.capabilities()[platform].credentials:
        label = re.search(rf'<label for="f-credentials-{name}">([^<]+)', page)
        assert label
        assert label[1].strip() != name
