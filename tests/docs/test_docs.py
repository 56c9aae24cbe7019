"""Tables of the documents that can be checked against the code, are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib import config
from chalicelib.aws import tables
from chalicelib.domain import (
    errors,
    funnel,
    plans,
)
from chalicelib.entrypoints.http import codes
from chalicelib.entrypoints.http import operation_growth as growth
from chalicelib.providers import registry
from infra.bench import pipeline
from infra.demo import strategy as demo
from infra.sandbox import accounts
from infra.sandbox import server as sandbox
from tests.docs.pages import REFERENCE, ROOT, section

README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
CONFIGURATION = REFERENCE["configuration"]
EVENTS = REFERENCE["events-and-metrics"]
SOURCES = "".join(path.read_text() for path in sorted((ROOT / "chalicelib").rglob("*.py")))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_environment_variable_is_in_the_configuration_table() -> None:
    source = (ROOT / "chalicelib" / "config.py").read_text()
    read = set(re.findall(r'environ(?:\[|\.get\()"([A-Z_]+)"', source))
    set_by_the_template = {"STAGE", "QUEUE_URL_PREFIX", "CLOCK_ARN", "FILES_BUCKET", "KMS_KEY"}
    set_by_the_template |= {"WAKEUPS_ARN", "WAKEUPS_ROLE"}
    set_by_lambda = {"AWS_LAMBDA_FUNCTION_NAME"}
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", CONFIGURATION, re.MULTILINE))
    assert documented == read - set_by_the_template - set_by_lambda


def test_the_defaults_in_the_configuration_table_are_the_codes() -> None:
    source = (ROOT / "chalicelib" / "config.py").read_text()
    defaults = dict(re.findall(r'environ\.get\("([A-Z_]+)", "([^"]+)"\)', source))
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+?)`? \|", CONFIGURATION, re.MULTILINE))
    assert {name: told[name] for name in defaults if name != "LEASE"} == {
        n: d for n, d in defaults.items() if n != "LEASE"
    }


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", README)) - {"it"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_links_between_the_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in _anchors(found), f"{page.name}: {target}"


def _anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_overview_of_tables_names_every_table() -> None:
    overview = section(REFERENCE["tables"], "Overview")
    assert tuple(re.findall(r"^\| `(\w+)` \|", overview, re.MULTILINE)) == config.TABLES


def test_every_item_of_the_tables_is_listed_with_its_key_and_content() -> None:
    table, items = "", []
    for line in str(tables.__doc__).splitlines():
        if heading := re.match(r"(\w+) — ", line):
            table = heading[1]
        elif table and (row := re.match(r" {4}(\S.*?)(?: {2,}|(?<=-) )(\w.*)$", line)):
            items.append((table, row[1], row[2]))
    items_section = section(REFERENCE["tables"], "Items")
    listed = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (.+) \|$", items_section, re.MULTILINE)
    assert len(items) >= 40
    assert listed == items


def _rows(page: str, title: str) -> list[list[str]]:
    """Return the cells of the rows that begin with a number, in a section of a page."""
    rows = re.findall(r"^\| (\d.+) \|$", section(page, title), re.MULTILINE)
    return [row.split(" | ") for row in rows]


def test_the_error_codes_are_the_codes_with_status_and_meaning() -> None:
    page = REFERENCE["error-codes"]
    general = [[str(s), str(code), text] for s, (code, text) in codes.STATUSES.items()]
    business = [[str(code), str(s), text] for code, (s, text) in codes.CODES.items()]
    of_items = [[str(code), text] for code, text in codes.OF_ITEMS.items()]
    unanswered = _rows(page, "Codes by HTTP status")[len(general) :]
    assert _rows(page, "Codes by HTTP status")[: len(general)] == general
    assert [row[:2] for row in unanswered] == [["502, 504", "5000"]]
    assert _rows(page, "Business codes") == business
    assert _rows(page, "Codes of single users") == of_items


def test_the_codes_of_warnings_are_those_of_the_code() -> None:
    meanings = [[f"`{code.value}`", text] for code, text in codes.WARNINGS.items()]
    told = re.findall(
        r"^\| (`\w+`) \| (.+) \|$", section(REFERENCE["error-codes"], "Warnings"), re.M
    )
    assert [list(row) for row in told] == meanings


def test_the_codes_of_operation_growth_are_the_codes() -> None:
    told = {int(row[0]) for row in _rows(REFERENCE["error-codes"], "Operation Growth")}
    own = {growth.TOO_MANY, growth.BAD_PARAMETER, growth.NOT_SAVED, growth.SEVERAL}
    assert told == {*own, 1015005}


def test_the_losses_are_the_codes() -> None:
    told = re.findall(r"^\| `(\w+)` \|", section(REFERENCE["error-codes"], "Losses"), re.MULTILINE)
    lost = (*funnel._LOST_BEFORE_SUBMISSION, *funnel.LOST_AFTER_SUBMISSION)
    of_deliveries = {kind.value for kind in lost}
    assert sorted(told) == sorted({loss.value for loss in plans.TargetLoss} | of_deliveries)


def test_short_links_live_as_long_as_the_limits_say() -> None:
    assert f"| short links | {tables.LINK_DAYS} days |" in REFERENCE["limits"]


def test_the_sandbox_page_has_every_provider_and_every_setting_of_an_account() -> None:
    page = REFERENCE["sandbox"]
    over_http = {each.NAME for each in sandbox.WITH_ACCOUNTS} - {"cmpp"}
    assert set(re.findall(r"^### .+\(`\{sandbox_url\}/(\w+)", page, re.MULTILINE)) == over_http
    table = page.split("| setting | default | meaning |")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    settings = {*accounts.TEXTS, *accounts.NUMBERS, "verify"}
    assert named == settings - {"master_secret", "webhook_url"}


def test_the_parameters_of_a_deployment_are_the_templates_with_their_defaults() -> None:
    raw = (ROOT / "infra" / "template" / "resources.yaml").read_text().split("\nConditions:")[0]
    wanted = dict(
        re.findall(r"^  (\w+):\n    Type: \w+\n    Default: \"?(\w*)\"?", raw, re.MULTILINE)
    )
    told = dict(
        re.findall(
            r"^\| `([A-Z]\w+)` \| ([^|]+) \|",
            section(CONFIGURATION, "Template parameters"),
            re.MULTILINE,
        )
    )
    assert told.keys() == wanted.keys()
    set_by_default = {name: default for name, default in wanted.items() if default}
    assert {name: told[name] for name in set_by_default} == set_by_default


def test_every_kind_of_alarm_is_explained() -> None:
    source = (ROOT / "infra" / "template" / "alarms.py").read_text()
    kinds = set(re.findall(r'alarms\[f?"(?:\{[^}]*\})?(\w+Alarm)"\]', source))
    assert len(kinds) == 17
    assert set(re.findall(r"^\| `…?(\w+Alarm)` \|", EVENTS, re.MULTILINE)) == kinds


def test_every_event_that_warns_is_explained_and_is_logged() -> None:
    warned = re.findall(r'\b(?:log\.(?:warning|error)|_log)\(\s*"([^"]+)"', SOURCES)
    cells = re.findall(r"^\| (`[^|]+`) \|", section(EVENTS, "Events"), re.MULTILINE)
    told = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    assert len(set(warned)) >= 25
    assert {name for name in warned if name not in told} == set()
    assert [
        name
        for name in told
        if f'"{name}"' not in SOURCES and f'{name.partition(" ")[2]}"' not in SOURCES
    ] == []


def test_every_metric_is_explained() -> None:
    counted = set(re.findall(r'\b(?:metric|measure)\("(\w+)"', SOURCES))
    assert len(counted) >= 10
    rows = re.findall(r"^\| `(\w+)` \|", section(EVENTS, "Metrics"), re.MULTILINE)
    assert sorted(rows) == sorted(counted)


def test_what_a_provider_may_raise_is_what_there_is() -> None:
    page = (ROOT / "docs" / "how-to" / "add-a-provider.md").read_text()
    raised = page.split("| error | condition | effect |")[1].split("\n\n")[0]
    told = set(re.findall(r"^ *\| `(\w+)` \|", raised, re.MULTILINE))
    assert told == {kind for kind, value in vars(errors).items() if _is_a_provider_error(value)}


def _is_a_provider_error(value: object) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, errors.ProviderError)
        and value is not errors.ProviderError
    )


def test_the_readme_says_what_the_demo_and_the_benchmark_do() -> None:
    assert f"within {demo.WITHIN} seconds" in README
    page = (ROOT / "docs" / "explanation" / "performance.md").read_text()
    head = next(line for line in page.splitlines() if "| usd per million |" in line).split("|")
    for scenario in ("bulk", "single", "plain"):
        row = next(line for line in page.splitlines() if line.startswith(f"| {scenario} |"))
        counted = row.split("|")[head.index(" usd per million ")].split()[0]
        told = re.search(
            rf"\| about \$([\d.]+) \| \${pipeline.BOUNDS[scenario]['usd_per_million']:g}0? \|",
            README,
        )
        assert told is not None, scenario
        assert float(told[1]) == pytest.approx(float(counted), rel=0.1), scenario


def test_every_platform_says_what_is_verified_and_what_is_not() -> None:
    page = (ROOT / "docs" / "explanation" / "verification.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|(.+)\|(.+)\|(.+)\|$", page, re.MULTILINE)
    assert sorted(row[0] for row in rows) == sorted(registry.capabilities())
    assert all(len(cell.strip()) > 7 for row in rows for cell in row[1:])
    named = set(re.findall(r"tests/[\w/]+\.py", page))
    assert len(named) >= 6
    assert [path for path in named if not (ROOT / path).is_file()] == []
