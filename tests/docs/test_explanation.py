"""The pages that explain OpenUMS say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import FactKind
from chalicelib.providers import registry
from infra import package_lock
from infra.demo import mix
from infra.demo import strategy as demo

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
GUARANTEES = (ROOT / "docs" / "explanation" / "delivery-guarantees.md").read_text()
GLOSSARY = (ROOT / "docs" / "reference" / "glossary.md").read_text()


def _section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_flow_table_names_modules_that_are_there() -> None:
    named = re.findall(r"`(flow/[\w/]+\.py)`", ARCHITECTURE)
    assert len(named) >= 9
    assert [name for name in named if not (ROOT / "chalicelib" / name).is_file()] == []


def test_the_flow_table_names_queues_as_the_code_does() -> None:
    source = (ROOT / "chalicelib" / "config.py").read_text()
    named = set(re.findall(r"`(\w+)-<priority>`", ARCHITECTURE))
    assert named
    assert [name for name in named if f'"{name}-' not in source] == []


def test_the_table_of_rooms_names_every_room() -> None:
    named = set(re.findall(r"^\| `chalicelib/(\w+)/` \|", ARCHITECTURE, re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "chalicelib").glob("*/__init__.py")}
    assert named == rooms


def test_the_readme_shows_the_figures_that_the_demo_must_print() -> None:
    must = mix.expected()
    rows = {
        name.strip(): [int(figure) for figure in figures.split("│") if figure.strip()]
        for name, figures in re.findall(r"^│ ([^│]+)│(.+)│$", README, re.MULTILINE)
    }
    assert rows == {
        "all people": [must["users"][stage] for stage in demo.STAGES],
        **{
            f"{step} {kind}": [must["steps"][str(step)], *map(counts.__getitem__, demo.STAGES)]
            for step, (kind, counts) in enumerate(must["channels"].items(), 1)
        },
    }


def test_the_page_of_guarantees_says_of_every_platform_what_can_happen() -> None:
    section = _section(GUARANTEES, "Risks by provider")
    for platform in registry.capabilities():
        assert f"`{platform}`" in section, platform


def test_the_page_of_guarantees_has_each_platforms_token_and_size_of_a_call() -> None:
    rows = re.findall(
        r"^\| [^|`]+ \(([^|)]+)\) \| ([^|]+) \| ([\d,]+) \|$",
        _section(GUARANTEES, "Risks by provider"),
        re.MULTILINE,
    )
    shown = {
        platform: (not token.startswith("none"), int(size.replace(",", "")))
        for platforms, token, size in rows
        for platform in re.findall(r"`(\w+)`", platforms)
    }
    assert shown == {
        platform: (capabilities.token_life is not None, capabilities.call_size)
        for platform, capabilities in registry.capabilities().items()
    }


def test_the_glossary_has_every_fact_and_every_channel_type() -> None:
    facts = _section(GLOSSARY, "Facts of a delivery")
    cells = re.findall(r"^\| (`[^|]+`) \|", facts, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(FactKind)
    assert [kind for kind in ChannelType if f"`{kind.value}`" not in GLOSSARY] == []


def test_the_glossary_explains_a_word_once() -> None:
    words = re.findall(r"^\| \*\*([^*]+)\*\* \|", GLOSSARY, re.MULTILINE)
    assert len(words) >= 80
    assert sorted(words) == sorted(set(words))


def test_the_most_requests_of_a_page_of_the_console_are_those_of_the_table() -> None:
    table = (ROOT / "docs" / "reference" / "console-requests.md").read_text()
    rows = dict(re.findall(r"^\| `(/[^`]*)` \|[^|]*\| (\d+) \|$", table, re.MULTILINE))
    overview = rows.pop("/")
    most = max(map(int, rows.values()))
    assert f"[{most} at most](../reference/console-requests.md)" in ARCHITECTURE
    assert f"{overview} for the overview" in ARCHITECTURE


def test_contributing_names_every_lock_and_what_it_is_made_of() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`(requirements[\w-]*\.txt)`", text))
    there = {path.name for path in ROOT.glob("requirements*.txt")}
    assert there - named == {"requirements-localstack.txt"}
    written = {lock.file.name for lock in package_lock.LOCKS} | {"requirements-lock.txt"}
    assert len(written) == 3
    assert "three files that it writes" in text.replace("\n", " ")
