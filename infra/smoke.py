"""Prove a deployed stage end to end: `python -m infra.smoke --stage prod`.

The address and the access key come from OPENUMS_URL, OPENUMS_ACCESS_KEY and OPENUMS_ACCESS_SECRET,
or from the description of a local stack. Without OPENUMS_URL the stack's output is asked for.
Everything that the run makes is deleted at its end. The access channel is kept, switched off,
for the next run, since access channels cannot be deleted.

A run costs less than a cent. It needs some minutes where the clock's ticks are a minute apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from infra import aws_errors
from infra.package import ROOT
from infra.smoke_aws import no_timer_is_overdue, session_of, tick_succeeded
from infra.smoke_target import Api, Failed, Target
from infra.smoke_trial import MAIL_SERVER, MailServer, Trial
from infra.stacks import DeploymentFailed, aws, describe, stack_name

Check = tuple[str, Callable[[], str]]


def run(
    target: Target,
    *,
    session: Any = None,
    mail: MailServer | None = None,
    patience: float = 300.0,
    say: Callable[[str], None] = print,
) -> bool:
    """Run the checks until one fails, clean up, and return whether all passed."""
    trial = Trial(target, mail, patience)
    passed = False
    try:
        passed = all(_passes(check, say) for check in _checks(target, trial, session, patience))
    finally:
        is_clean = _passes(("clean up", trial.clean_up), say)
    return passed and is_clean


def _checks(target: Target, trial: Trial, session: Any, patience: float) -> Iterator[Check]:
    begun = time.time()
    yield "the API's document", lambda: _document(target)
    yield "an unknown path", lambda: _unknown_path(target)
    yield "no credentials", lambda: _no_credentials(target)
    yield "an access channel", trial.open_access_channel
    yield "delivery channels", trial.make_delivery_channels
    yield "a channel's test", trial.test_channel
    yield "an unknown user", trial.lose_a_target
    yield "a second step", trial.take_two_steps
    if session is None:
        yield "the clock", lambda: "skipped: there are no AWS credentials"
        return
    yield "a tick", lambda: tick_succeeded(session, target.stage, begun, patience)
    yield "no overdue timer", lambda: no_timer_is_overdue(session, target.stage, patience)


def _passes(check: Check, say: Callable[[str], None]) -> bool:
    """Run a check, and say in one line how it went and how long it took."""
    name, work = check
    begun = time.monotonic()
    try:
        text, passed = work(), True
    except (Failed, requests.RequestException) as error:
        text, passed = str(error), False
    except (BotoCoreError, ClientError) as error:
        text, passed = aws_errors.explain(error), False
    line = " ".join(text.split())
    say(f"{'ok' if passed else 'fail':4} {time.monotonic() - begun:6.1f} s  {name:18}  {line}")
    return passed


def _document(target: Target) -> str:
    document = target.anybody.ask("GET", "/openapi.json")
    if not str(document.get("openapi", "")).startswith("3."):
        raise Failed(f"/openapi.json is not an OpenAPI document: {str(document)[:200]}")
    return f"{len(document['paths'])} paths"


def _unknown_path(target: Target) -> str:
    """Check that an unknown path gets OpenUMS's own error, not that of API Gateway."""
    return _refusal(target.anybody, "GET", "/no/such/path", 404, 4004)


def _no_credentials(target: Target) -> str:
    return _refusal(target.anybody, "GET", "/admin/v1/channels", 401, None)


def _refusal(api: Api, method: str, path: str, status: int, code: int | None) -> str:
    answer = api.call(method, path)
    body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    if answer.status_code != status or (code is not None and body.get("code") != code):
        raise Failed(f"{method} {path}: {answer.status_code} {answer.text[:200]}, not {status}")
    return str(status)


def find_target(stage: str, description: Path, session_of: Callable[[], Any] = aws) -> Target:
    """Return where the stage is and with which key, by the environment or a local stack.

    Raises Failed if neither says so.
    """
    environment = os.environ
    if environment.get("OPENUMS_ACCESS_KEY"):
        pair = environment["OPENUMS_ACCESS_KEY"], environment.get("OPENUMS_ACCESS_SECRET", "")
        url = environment.get("OPENUMS_URL") or _deployed_url(stage, session_of)
        return Target(stage, url, pair)
    local = json.loads(description.read_text()) if description.is_file() else {}
    if local.get("stage") != stage:
        raise Failed(
            f"no access key for the stage {stage}: set OPENUMS_ACCESS_KEY and OPENUMS_ACCESS_SECRET"
        )
    pair = local["access_key"], local["access_secret"]
    return Target(stage, local["api_url"], pair, local)


def _deployed_url(stage: str, session_of: Callable[[], Any]) -> str:
    try:
        stack = describe(session_of().client("cloudformation"), stack_name(stage))
    except (DeploymentFailed, BotoCoreError, ClientError) as error:
        text = str(error) if isinstance(error, DeploymentFailed) else aws_errors.explain(error)
        raise Failed(f"set OPENUMS_URL, or let the stack be read: {text}") from error
    for output in (stack or {}).get("Outputs", []):
        if output["OutputKey"] == "PublicUrl":
            return str(output["OutputValue"])
    raise Failed(f"set OPENUMS_URL: there is no stack {stack_name(stage)} with an address")


def _mail_server(text: str) -> MailServer:
    try:
        return MailServer.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {MAIL_SERVER} is needed") from error


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", default="prod")
    parser.add_argument(
        "--stack",
        type=Path,
        default=ROOT / ".local" / "stack.json",
        help="the description of a local stack",
    )
    parser.add_argument(
        "--mail-server", type=_mail_server, metavar="HOST:PORT[:ENCRYPTION]", help=MAIL_SERVER
    )
    options = parser.parse_args(arguments)
    try:
        target = find_target(options.stage, options.stack)
    except Failed as failure:
        sys.exit(f"fail  {failure}")
    mail = options.mail_server or MailServer.of_local_stack(target.local)
    with contextlib.ExitStack() as opened:
        session = session_of(target, opened)
        sys.exit(not run(target, session=session, mail=mail))


if __name__ == "__main__":
    main()
