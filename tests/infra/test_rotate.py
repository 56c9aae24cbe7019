"""Rotating the keys of a deployment, on the emulator's table and a small API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from chalicelib import config
from infra import deploy, rotate
from infra.local.deployment import local_aws
from tests.contracts import emulator

STAGE = "rotated"
SETTINGS = config.table_name(STAGE, "settings")


class Service(BaseHTTPRequestHandler):
    """Answers the request for a data key, unless it is `deaf`."""

    asked: list[str] = []
    deaf = False

    def do_POST(self) -> None:  # the name that the server calls
        if self.deaf:
            return
        self.asked.append(f"{self.path} {self.headers['Authorization'][:6]}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": 2}')

    def log_message(self, *_: Any) -> None:
        return


class Deaf(Service):
    deaf = True


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), getattr(request, "param", Service))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def session(tmp_path: Path, service: str) -> Iterator[Any]:
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    table = {
        "TableName": SETTINGS,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n, _ in keys],
        "KeySchema": [{"AttributeName": n, "KeyType": kind} for n, kind in keys],
    }
    template = {
        "Parameters": {},
        "Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": table}},
        "Outputs": {"PublicUrl": {"Value": service}},
    }
    (tmp_path / "sam.json").write_text(json.dumps(template))
    (tmp_path / "deployment.zip").write_bytes(b"")
    with emulator.running(tmp_path) as address, local_aws(address) as own:
        wanted: dict[str, Any] = {"stage": STAGE, "packaged": tmp_path, "parameters": {}}
        deploy.deploy(own, **wanted, poll=0.1, say=lambda text: None)
        yield own


def test_new_keys_are_made_and_earlier_ones_are_ended_by_name(session: Any) -> None:
    lines: list[str] = []
    rotate.rotate(session, STAGE, say=lines.append)
    (first,) = rotate.global_keys(session, STAGE)
    assert Service.asked == ["/admin/v1/data-keys Basic "]
    assert lines[0].endswith(first)
    assert "version 2" in lines[2]
    member = {"pk": {"S": "access-key#m1"}, "sk": {"S": "-"}, "name": {"S": "Ann"}}
    session.client("dynamodb").put_item(TableName=SETTINGS, Item=member)
    with pytest.raises(SystemExit, match="the last global access key"):
        rotate.main(["--stage", STAGE, "--end", first], session_of=lambda: session)
    with pytest.raises(SystemExit, match="m1 is not a global access key"):
        rotate.main(["--stage", STAGE, "--end", "m1"], session_of=lambda: session)
    rotate.rotate(session, STAGE, say=lines.append)
    assert lines[-1].endswith(f"--end {first}")
    rotate.main(["--stage", STAGE, "--end", first], session_of=lambda: session)
    assert first not in set(rotate.global_keys(session, STAGE))
    with pytest.raises(SystemExit, match="does not exist"):
        rotate.main(["--stage", "nowhere"], session_of=lambda: session)


@pytest.mark.parametrize("service", [Deaf], indirect=True)
def test_an_api_that_does_not_answer_is_said_in_one_line_after_the_new_access_key(
    session: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=f"the API of openums-{STAGE} was not reached") as left:
        rotate.main(["--stage", STAGE], session_of=lambda: session)
    assert "\n" not in str(left.value)
    (key,) = rotate.global_keys(session, STAGE)
    assert f"access key     {key}" in capsys.readouterr().out
