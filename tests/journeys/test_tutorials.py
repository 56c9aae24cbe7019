"""The commands of the tutorials print what the tutorials show.

Each command of a page is typed into one shell. A page may show a part of an answer. The fields
that it shows must be there with the same values.
"""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import STACK
from tests.liveness import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
# Fields whose values differ from run to run.
VOLATILE = {
    "channel_key",
    "master_secret",
    "id",
    "template_id",
    "rule_id",
    "msgid",
    "msgno",
    "webhook_url",
    "accepted",
    "time",
}
END = "end-of-answer"


class Shell:
    """A bash that runs the commands of a page one after another, as in a reader's terminal."""

    def __init__(self) -> None:
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, commands: str) -> str:
        """Run commands, and return their output."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{commands}\necho; echo {END}\n")
        self._bash.stdin.flush()
        return "".join(iter(self._bash.stdout.readline, f"{END}\n"))

    def close(self) -> None:
        self._bash.communicate(timeout=PATIENCE)


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell()
    yield shell
    shell.close()


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_each_command_of_a_tutorial_prints_what_the_page_shows(
    page: Path, stack: Mapping[str, Any], shell: Shell, tmp_path: Path
) -> None:
    shown = 0
    for commands, answer in _steps(_of_this_run(page.read_text(), tmp_path)):
        if commands.startswith("make "):
            continue  # the stack of the journeys runs already
        shown += answer is not None
        _check(shell, commands, answer)
    assert shown >= 8


def _of_this_run(text: str, folder: Path) -> str:
    """Return the page with this stack's files, and with names that no other run has taken."""
    text = text.replace(".local/stack.json", str(STACK.description))
    text = text.replace(".local/answer.json", str(folder / "answer.json"))
    return text.replace("tutorial", f"tutorial{uuid.uuid4().hex[:6]}")


def _steps(text: str) -> Iterator[tuple[str, Any]]:
    """Yield each block of commands, and the answer that the page shows before the next block."""
    blocks = re.findall(r"^```(bash|json)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for number, (language, block) in enumerate(blocks):
        if language == "bash":
            after = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
            yield block.strip(), json.loads(after[1]) if after[0] == "json" else None


def _check(shell: Shell, commands: str, answer: Any) -> None:
    """Type the commands. Repeat a question until its answer is right, but never a change."""

    def problem() -> str | None:
        printed = shell.type(commands)
        difference = None if answer is None else _difference(answer, _last_object(printed))
        return difference and f"{commands}\n{difference}\n{printed}"

    if " -d " in commands:
        assert problem() is None
    else:
        eventually(problem, lambda problem: problem is None)


def _last_object(printed: str) -> Any:
    """Return the last JSON object that was printed, or None."""
    starts = [match.start() for match in re.finditer(r"^\{", printed, re.MULTILINE)]
    try:
        return json.loads(printed[starts[-1] :]) if starts else None
    except ValueError:
        return None


def _difference(shown: Any, printed: Any, path: str = "answer") -> str | None:
    """Return where the printed value is not what the page shows, or None."""
    if isinstance(shown, dict):
        if not isinstance(printed, dict) or not shown.keys() <= printed.keys():
            return f"{path}: {shown} is shown, {printed} was printed"
        pairs = [(f"{path}.{name}", shown[name], printed[name]) for name in shown.keys() - VOLATILE]
    elif isinstance(shown, list):
        if not isinstance(printed, list) or len(shown) != len(printed):
            return f"{path}: {shown} is shown, {printed} was printed"
        pairs = [
            (f"{path}[{number}]", *values)
            for number, values in enumerate(zip(shown, printed, strict=True))
        ]
    else:
        return None if shown == printed else f"{path}: {shown} is shown, {printed} was printed"
    return next(filter(None, (_difference(s, p, where) for where, s, p in pairs)), None)
