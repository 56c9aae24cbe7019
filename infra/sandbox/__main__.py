"""`python -m infra.sandbox --http-port P --smtp-port P1 --smtps-port P2 --starttls-port P3 --cmpp-port P4`"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from infra.sandbox.server import Ports, serve
from infra.sandbox.vendor import Options


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m infra.sandbox",
        description="The provider sandbox (docs/reference/sandbox.md).",
    )
    for name in ("http", "smtp", "smtps", "starttls", "cmpp"):
        parser.add_argument(
            f"--{name}-port", type=int, default=0, help="0: a free one, printed at the start"
        )
    parser.add_argument("--late", type=float, default=30.0, help="seconds until a late receipt")
    parser.add_argument(
        "--timeout-hang",
        type=float,
        default=30.0,
        help="seconds for which an answer that times out stays away",
    )
    parser.add_argument(
        "--retry-after", type=int, default=2, help="seconds that a throttled call is told to wait"
    )
    parser.add_argument(
        "--retry-first",
        type=float,
        default=1.0,
        help="seconds until a failed webhook is tried again, then doubled",
    )
    parser.add_argument(
        "--state-dir", type=Path, help="folder for the certificate; a temporary one by default"
    )
    given = parser.parse_args()
    ports = Ports(
        http=given.http_port,
        smtp=given.smtp_port,
        smtps=given.smtps_port,
        starttls=given.starttls_port,
        cmpp=given.cmpp_port,
    )
    options = Options(
        late=given.late,
        timeout_hang=given.timeout_hang,
        retry_after=given.retry_after,
        retry_first=given.retry_first,
    )
    with tempfile.TemporaryDirectory(prefix="openums-sandbox-") as temporary:
        asyncio.run(serve(ports, options, given.state_dir or Path(temporary)))


if __name__ == "__main__":
    main()
