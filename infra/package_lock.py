"""The locks of what is shipped: exact versions, and the hashes of their wheels.

`python -m infra.package_lock VERSIONS` writes requirements-package.txt and
requirements-layer-lock.txt anew, by the versions of a file such as requirements-lock.txt.
`make lock` runs it. Only pip speaks to the package index.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# Chalice adds its own runtime to the package. Its other requirements serve only packaging.
NOT_FOR_LAMBDA = ("chalice",)

# Lambda, the container of CMPP, and machines that run the local stack.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = (
    "manylinux2014_aarch64",
    "manylinux2014_x86_64",
    "musllinux_1_2_aarch64 musllinux_1_1_aarch64",
    "musllinux_1_2_x86_64 musllinux_1_1_x86_64",
    "macosx_11_0_arm64",
)

HEAD = """\
# What is shipped: exact versions, hashes of their wheels, and who needs them. See `make lock`.
# A machine with another platform or Python needs its line in infra/package_lock.py.
"""
DIRECT = "requirements.txt"


@dataclass(frozen=True)
class Lock:
    """A lock. `direct`: the file with what is needed directly."""

    direct: str
    file: Path
    platforms: tuple[str, ...]


PACKAGE = Lock(DIRECT, ROOT / "requirements-package.txt", PLATFORMS)
# Lambda's oldest Python here has glibc 2.26. Only a function has the layer.
LAYER_PLATFORMS = ("manylinux_2_26_aarch64", "manylinux_2_27_x86_64", "macosx_11_0_arm64")
LAYER = Lock("requirements-layer.txt", ROOT / "requirements-layer-lock.txt", LAYER_PLATFORMS)
LAYER_FILE = "facts-layer.zip"  # in the package
LOCKS = (PACKAGE, LAYER)
LOCK = PACKAGE.file

_BLOCK = re.compile(r"^(\S+)==(\S+) \\\n((?:    .*\n)+)", re.MULTILINE)

Report = Sequence[Mapping[str, Any]]  # pip's report: what it would install


@dataclass(frozen=True)
class Locked:
    """A package that is shipped. `needed_by`: names of packages, or requirements.txt itself."""

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]

    def __str__(self) -> str:
        hashes = " \\\n".join(f"    --hash=sha256:{value}" for value in self.hashes)
        needed = ", ".join(self.needed_by)
        return f"{self.name}=={self.version} \\\n{hashes}\n    # via {needed}\n"


def read(path: Path = LOCK) -> list[Locked]:
    """Return the packages of the lock, in its sequence."""
    return [
        Locked(
            name,
            version,
            tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", rest)),
            tuple(rest.rpartition("# via ")[2].strip().split(", ")),
        )
        for name, version, rest in _BLOCK.findall(path.read_text())
    ]


def for_lambda(lock: Lock = PACKAGE) -> str:
    """Return a lock as pip takes it, without what Chalice itself adds to the package."""
    return "".join(str(locked) for locked in read(lock.file) if locked.name not in NOT_FOR_LAMBDA)


def direct(lock: Lock = PACKAGE) -> list[str]:
    """Return the lines of what is needed directly."""
    lines = ((ROOT / lock.direct).read_text()).splitlines()
    return [line for line in (line.split("#")[0].strip() for line in lines) if line]


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """Write the locks once all of them are known, so that a failure changes none of them."""
    versions = Path(arguments[0]) if arguments else ROOT / "requirements-lock.txt"
    texts = {lock.file: "".join(map(str, _locked(lock, versions))) for lock in LOCKS}
    for file, text in texts.items():
        file.write_text(HEAD + text)


def _locked(lock: Lock, versions: Path) -> Iterator[Locked]:
    """Yield every package, with the hash of its wheel for each platform and Python."""
    resolved = _resolved(lock, versions)
    names = {canonical(entry["metadata"]["name"]) for entry in resolved}
    hashes: dict[str, set[str]] = defaultdict(set)
    _gather(resolved, hashes)
    for python, platform in product(PYTHONS, lock.platforms):
        report = _would_install(_binary(resolved), python, platform, versions, "--no-deps")
        _gather(report, hashes)
    needed_by = _needed_by(resolved, lock)
    versions = {
        canonical(entry["metadata"]["name"]): entry["metadata"]["version"] for entry in resolved
    }
    for name in sorted(names):
        yield Locked(name, versions[name], tuple(sorted(hashes[name])), needed_by[name])


def _resolved(lock: Lock, versions: Path) -> list[Mapping[str, Any]]:
    """Resolve what is needed directly for Lambda."""
    apart = [line for line in direct(lock) if line.split("==")[0] in NOT_FOR_LAMBDA]
    others = [line for line in direct(lock) if line not in apart]
    found = list(_would_install(others, PYTHONS[0], lock.platforms[0], versions))
    if apart:
        found += _would_install(apart, PYTHONS[0], lock.platforms[0], versions, "--no-deps")
    return found


def _would_install(
    requirements: Iterable[str], python: str, platform: str, versions: Path, *options: str
) -> Report:
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    command += ["--dry-run", "--ignore-installed", "--target", "never", "--report", "-"]
    command += ["--python-version", python, "--only-binary", ":all:"]
    command += [word for tag in platform.split() for word in ("--platform", tag)]
    command += ["-c", str(versions), *options, *requirements]
    done = subprocess.run(command, stdout=subprocess.PIPE)
    if done.returncode:
        wheels = ", ".join(requirements)
        sys.exit(f"no wheels for {platform} and Python {python} of all of these: {wheels}")
    report: Report = json.loads(done.stdout)["install"]
    return report


def _binary(report: Report) -> list[str]:
    """Return the exact requirements whose wheels differ by platform."""
    return [
        f"{entry['metadata']['name']}=={entry['metadata']['version']}"
        for entry in report
        if not entry["download_info"]["url"].endswith("-none-any.whl")
    ]


def _gather(report: Report, hashes: Mapping[str, set[str]]) -> None:
    for entry in report:
        digest = entry["download_info"]["archive_info"]["hashes"]["sha256"]
        hashes[canonical(entry["metadata"]["name"])].add(digest)


def _needed_by(report: Report, lock: Lock) -> dict[str, tuple[str, ...]]:
    """Return who needs a package, by what the packages say of themselves."""
    from packaging.requirements import Requirement

    needed: dict[str, set[str]] = defaultdict(set)
    for line in direct(lock):
        needed[canonical(line.split("==")[0])].add(lock.direct)
    for entry in report:
        name = canonical(entry["metadata"]["name"])
        if name in NOT_FOR_LAMBDA:
            continue
        for line in entry["metadata"].get("requires_dist", []):
            wish = Requirement(line)
            if wish.marker is None or wish.marker.evaluate({"extra": ""}):
                needed[canonical(wish.name)].add(name)
    return {name: tuple(sorted(who)) for name, who in needed.items()}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
