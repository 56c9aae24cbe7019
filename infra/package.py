"""From sources to one template and one zip, by Chalice: `python -m infra.package --stage prod`.

Stages the project in `.build/<stage>-<target>/project`, with what Lambda needs in `vendor/`, writes the one merge file (infra/template/)
and runs `chalice package`. Prints the directory of the result: `sam.json` and `deployment.zip`.

The zip for AWS holds arm64 wheels, the one for the local stack this machine's (`--target here`), the one for emulators that run
functions in containers Linux wheels of this machine's architecture (`--target container`); nothing else differs.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"

AWS, HERE, CONTAINER = "aws", "here", "container"
WHEELS = {
    AWS: "manylinux2014_aarch64",
    CONTAINER: f"manylinux2014_{'aarch64' if platform.machine() in ('arm64', 'aarch64') else 'x86_64'}",
}

# Chalice puts its own runtime into the package; everything else that it needs is for packaging only.
NOT_FOR_LAMBDA = ("chalice",)

# botocore describes every AWS service, 27 MB in all. A service that is used and not listed fails in tests/template.
AWS_SERVICES = ("dynamodb", "kms", "s3", "sqs", "stepfunctions")

# Neither imported nor asked for by anything when it runs.
TRIMMED = (
    "bin",
    "wrapt-stubs",
    "boto3/examples",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",
)


def inputs_hash(stage: str, target: str, source: Path = ROOT) -> str:
    """Changes when anything changes that the package is made from."""
    files = [
        source / "app.py",
        ROOT / "requirements.txt",
        ROOT / "requirements-lock.txt",
        ROOT / "infra" / "package.py",
    ]
    files += _files(source / "chalicelib", source / ".chalice", ROOT / "infra" / "template")
    return f"{stage} {target} {sys.version_info[:2]} {digest(files)}"


def digest(files: Iterable[Path]) -> str:
    """Changes when one of them does; a folder stands for the sources below it."""
    found = hashlib.sha256()
    for file in files:
        for path in _files(file) if file.is_dir() else [file]:
            found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def package(stage: str, *, target: str, source: Path = ROOT) -> Path:
    """Package unless nothing changed since the last time; the directory with `sam.json` and `deployment.zip`."""
    work = BUILD / f"{stage}-{target}"
    out, done = work / "out", work / "inputs"
    wanted = inputs_hash(stage, target, source)
    if done.is_file() and done.read_text() == wanted and (out / "sam.json").is_file():
        return out
    done.unlink(missing_ok=True)
    project = work / "project"
    _stage_project(source, project)
    vendor = project / "vendor"
    vendor.unlink(missing_ok=True)
    vendor.symlink_to(_vendor(target))
    _run_chalice(stage, project, work / "merge.json", out)
    done.write_text(wanted)
    return out


def _files(*folders: Path) -> Iterator[Path]:
    """Every source file below the folders, always in the same order."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if (
                path.is_file()
                and "__pycache__" not in path.parts
                and "deployments" not in path.parts
            ):
                yield path


def _stage_project(source: Path, project: Path) -> None:
    """Copy what changed, remove what is gone, compile to byte code that is valid wherever it is unpacked.

    Lambda cannot write byte code beside the code: without it, every cold start would compile every module it imports.
    """
    project.mkdir(parents=True, exist_ok=True)
    wanted = {Path("app.py"): source / "app.py"}
    wanted |= {
        path.relative_to(source): path
        for path in _files(source / "chalicelib", source / ".chalice")
    }
    for present in list(_files(project / "chalicelib", project / ".chalice")):
        if present.relative_to(project) not in wanted:
            present.unlink()
    for name, path in wanted.items():
        copy = project / name
        content = path.read_bytes()
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            Path(importlib.util.cache_from_source(str(copy))).unlink(missing_ok=True)
            copy.write_bytes(content)
            if copy.suffix == ".py":
                _compile(copy)
    (project / "requirements.txt").write_text("")
    for cache in (project / "chalicelib").rglob("__pycache__"):
        for code in cache.iterdir():
            if not (cache.parent / (code.name.split(".")[0] + ".py")).is_file():
                code.unlink()


def _compile(path: Path) -> None:
    if path.name == "app.py":
        return  # Chalice takes this one file from the project's root, without its byte code
    py_compile.compile(
        str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def _requirements() -> list[str]:
    lines = (
        line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()
    )
    return [line for line in lines if line and line.split("==")[0] not in NOT_FOR_LAMBDA]


def _vendor(target: str) -> Path:
    """What Lambda needs, installed once per list of requirements, platform and Python version."""
    requirements = _requirements()
    recipe = [*requirements, (ROOT / "requirements-lock.txt").read_text(), *AWS_SERVICES, *TRIMMED]
    recipe += [target, str(sys.version_info[:2]), importlib.metadata.version("chalice")]
    vendor = BUILD / f"vendor-{target}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]}"
    if vendor.is_dir():
        return vendor
    fresh = vendor.with_suffix(".tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    wheels: list[str] = []
    if target in WHEELS:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        wheels = [
            "--platform",
            WHEELS[target],
            "--python-version",
            version,
            "--implementation",
            "cp",
            "--only-binary",
            ":all:",
        ]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "--no-compile",
        "--target",
        str(fresh),
    ]
    constraints = ["-c", str(ROOT / "requirements-lock.txt")]
    subprocess.run([*pip, *wheels, *constraints, *requirements], check=True)
    _trim(fresh)
    _add_byte_code_of_chalice(fresh)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(fresh, quiet=2, invalidation_mode=mode, workers=0)
    for old in BUILD.glob(f"vendor-{target}-*"):
        if old != fresh:
            shutil.rmtree(old)
    fresh.rename(vendor)
    return vendor


def _trim(vendor: Path) -> None:
    for name in TRIMMED:
        shutil.rmtree(vendor / name, ignore_errors=True)
    for data in (vendor / "botocore" / "data").iterdir():
        if data.is_dir() and data.name not in AWS_SERVICES:
            shutil.rmtree(data)
    for path in list(vendor.rglob("*")):
        if path.suffix in (".pyi", ".pyx", ".pxd", ".h", ".c") or path.name == "py.typed":
            path.unlink()
        elif path.suffix == ".dist-info":
            for entry in path.iterdir():
                if entry.name not in ("METADATA", "LICENSE", "entry_points.txt"):
                    _remove(entry)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _add_byte_code_of_chalice(vendor: Path) -> None:
    """Chalice adds its runtime to the package as source only; its byte code comes from here."""
    import chalice.app

    for module in (chalice, chalice.app):
        source = Path(module.__file__ or "")
        code = (
            vendor / "chalice" / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        )
        code.parent.mkdir(parents=True, exist_ok=True)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(
            str(source),
            cfile=str(code),
            dfile=f"chalice/{source.name}",
            invalidation_mode=mode,
            doraise=True,
        )


def _run_chalice(stage: str, project: Path, merge_file: Path, out: Path) -> None:
    """`chalice package`, with a merge file that is written from the app and the stage just loaded."""
    sys.path.insert(0, str(project))
    os.environ.update(
        STAGE=stage, AWS_DEFAULT_REGION=os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
    )
    from chalice.cli import cli
    from chalice.cli.factory import CLIFactory

    from infra.template.assemble import write_merge_file

    factory = CLIFactory(
        str(project), environ=os.environ
    )  # loads the stage's environment, then app.py, as the command does
    write_merge_file(stage, factory.create_config_obj(stage), merge_file)
    shutil.rmtree(out, ignore_errors=True)
    for old in (project / ".chalice").glob("deployments/*"):
        old.unlink()
    with contextlib.redirect_stdout(sys.stderr):
        command = [
            "--project-dir",
            project,
            "package",
            "--stage",
            stage,
            "--merge-template",
            merge_file,
            out,
        ]
        cli.main([str(word) for word in command], obj={}, standalone_mode=False)


def package_apart(stage: str, target: str) -> Path:
    """The same in a process of its own: packaging loads the app and the stage's environment."""
    command = [sys.executable, "-m", "infra.package", "--stage", stage, "--target", target]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", default="prod")
    parser.add_argument("--target", choices=(AWS, HERE, CONTAINER), default=AWS)
    parser.add_argument(
        "--source",
        type=Path,
        default=ROOT,
        help="another project with app.py, chalicelib and .chalice",
    )
    options = parser.parse_args(arguments if arguments is None else list(arguments))
    from infra.template.stage import WrongStage

    try:
        print(package(options.stage, target=options.target, source=options.source.resolve()))
    except WrongStage as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
