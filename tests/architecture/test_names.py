"""One word per thing: names are made in chalicelib/config.py and written nowhere else."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chalicelib import config
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.providers import registry

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ("tally", "history")


def test_functions_are_configured_under_the_names_that_the_config_makes() -> None:
    configured = set(
        json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]
    )
    deliver = {config.deliver_function(type_) for type_ in config.SUPPORTED_CHANNEL_TYPES}
    jobs = {"chunks", "imports", "callbacks", "facts", "sweep", "poll", "schedules"}
    assert configured == {"api_handler", "console", *jobs, *STREAMS, *deliver}


def test_code_makes_no_names_of_tables_and_queues_by_hand() -> None:
    made_by_hand = re.compile(rf"""["']{config.APP}-""")
    for path in (ROOT / "chalicelib").rglob("*.py"):
        assert not made_by_hand.search(path.read_text()), path


def test_there_is_no_module_named_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "manager", "service", "common", "misc"}
    assert not [path for path in (ROOT / "chalicelib").rglob("*.py") if path.stem in nothing]


_DEFINED = re.compile(r"\b(?:def|class)\s+(\w+)")


def defined_twice(source: str) -> Iterator[str]:
    """Yield functions and classes of which only the last definition counts, as after a merge."""
    names = _DEFINED.findall(source)
    if len(names) == len(set(names)):
        return
    tree = ast.parse(source)
    for scope in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        counts = Counter(
            node.name
            for node in scope.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list
        )
        yield from (name for name, number in counts.items() if number > 1)


def test_nothing_is_defined_twice() -> None:
    files = [
        file for room in ("chalicelib", "infra", "tests") for file in (ROOT / room).rglob("*.py")
    ]
    twice = {str(file): list(defined_twice(file.read_text())) for file in files}
    assert not {file: names for file, names in twice.items() if names}
    assert list(defined_twice("def f(): 1\nclass C: 1\ndef f(): 2\n")) == ["f"]


def test_every_supported_channel_type_has_a_provider() -> None:
    for channel_type in config.SUPPORTED_CHANNEL_TYPES:
        assert isinstance(channel_type, ChannelType)
        assert registry.platforms_of(channel_type), channel_type
