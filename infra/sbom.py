"""Write the bill of materials of what is shipped: `python -m infra.sbom`, or `make sbom`.

The bill is made from the locks of what is shipped, in CycloneDX's JSON. Source of the format:
https://cyclonedx.org/docs/1.6/json/. The command prints the file's path.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra import package_lock
from infra.package import BUILD
from infra.package_lock import LOCKS, ROOT, Locked

FILE = BUILD / "sbom.cdx.json"


def bill(packages: Sequence[Locked], product: Mapping[str, str]) -> dict[str, Any]:
    """Return the bill of materials of a product that is made of these packages."""
    root = f"pkg:generic/{product['name']}@{product['version']}"
    lock = "".join(map(str, packages))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + lock)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "component": {"type": "application", "bom-ref": root, **product},
        },
        "components": [_component(package) for package in packages],
        "dependencies": _dependencies(packages, root),
    }


def _component(package: Locked) -> dict[str, Any]:
    """Describe a package. CycloneDX has the hashes of wheels under `distribution`."""
    hashes = [{"alg": "SHA-256", "content": value} for value in package.hashes]
    return {
        "type": "library",
        "bom-ref": _purl(package),
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
        "externalReferences": [
            {"type": "distribution", "url": _purl(package), "hashes": [wheel]} for wheel in hashes
        ],
    }


def _dependencies(packages: Sequence[Locked], root: str) -> list[dict[str, Any]]:
    needs: dict[str, list[str]] = defaultdict(list)
    for package in packages:
        for name in package.needed_by:
            needs[name].append(_purl(package))
    direct = [purl for lock in LOCKS for purl in needs[lock.direct]]
    dependencies = [{"ref": root, "dependsOn": direct}]
    return dependencies + [
        {"ref": _purl(package), "dependsOn": needs[package.name]} for package in packages
    ]


def _purl(package: Locked) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def main(file: Path = FILE) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    product = {name: project[name] for name in ("name", "version", "description")}
    file.parent.mkdir(exist_ok=True)
    packages = [package for lock in LOCKS for package in package_lock.read(lock.file)]
    file.write_text(json.dumps(bill(packages, product), indent=2) + "\n")
    print(file)


if __name__ == "__main__":
    main()
