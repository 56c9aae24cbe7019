"""Package the sources as one template and one zip: `python -m infra.package --stage prod`.

The command stages the project in `.build/<stage>-<target>/project`, with Lambda's packages in
`vendor/`. It writes the merge file (infra/template/), and runs `chalice package`.
It prints the directory of the result: `sam.json`, `deployment.zip`, and the layer of fact files.

Targets differ only by the wheels in their zip:
- `aws`: arm64 wheels.
- `here`, for the local stack: wheels of this machine.
- `container`, for emulators with containers: Linux wheels of this machine's architecture.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from infra import package_lock
from infra.console import build as console
from infra.locks import one_at_a_time

ROOT = package_lock.ROOT
BUILD = ROOT / ".build"

AWS, HERE, CONTAINER = "aws", "here", "container"
ARCHITECTURE = "aarch64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
WHEELS = {AWS: "manylinux2014_aarch64", CONTAINER: f"manylinux2014_{ARCHITECTURE}"}

# The Python of the functions on AWS, whoever packages. The tests run on it. AWS supports it until
# 2027-06-30: docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes (2026-11).
RUNTIME = (3, 11)
OWN = sys.version_info[:2]

# botocore describes every AWS service, 27 MB in all. A missing service fails in tests/template.
AWS_SERVICES = ("dynamodb", "kms", "s3", "scheduler", "sqs", "stepfunctions")
ENDPOINTS = ("dynamodb", "kms", "s3", "sqs", "states")  # the same by their names in addresses

# Never imported or read at run time.
TRIMMED = ("bin", "wrapt-stubs", "boto3/examples")


def inputs_hash(stage: str, target: str, source: Path = ROOT) -> str:
    """Return a hash of everything that the package is made from."""
    files = [
        source / "app.py",
        *(lock.file for lock in package_lock.LOCKS),
        ROOT / "infra" / "package.py",
        ROOT / "infra" / "layer.py",
    ]
    files += files_below(source / "chalicelib", source / ".chalice", ROOT / "infra" / "template")
    return f"{stage} {target} {runtime(target)} {OWN} {digest(files)}"


def runtime(target: str) -> tuple[int, int]:
    """Return the version of the functions' Python. The local stack runs them with its own."""
    return OWN if target == HERE else RUNTIME


def digest(files: Iterable[Path]) -> str:
    """Hash files by name and content. A folder stands for the sources below it."""
    sha256 = hashlib.sha256()
    for file in files:
        for path in files_below(file) if file.is_dir() else [file]:
            sha256.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return sha256.hexdigest()


def package(stage: str, *, target: str, source: Path = ROOT) -> Path:
    """Package if the inputs have changed, or wait for a process that packages for this target.

    Return the directory of `sam.json` and the zip.
    """
    if source == ROOT:
        console.build()
    with one_at_a_time(BUILD / f"package-{target}.lock"):
        return _package(stage, target, source)


def _package(stage: str, target: str, source: Path) -> Path:
    from infra.layer import layer

    work = BUILD / f"{stage}-{target}"
    out, packaged_inputs = work / "out", work / "inputs"
    inputs = inputs_hash(stage, target, source)
    is_packaged = packaged_inputs.is_file() and packaged_inputs.read_text() == inputs
    if is_packaged and (out / "sam.json").is_file():
        return out
    packaged_inputs.unlink(missing_ok=True)
    project = work / "project"
    _stage_project(source, project, runtime(target))
    vendor = project / "vendor"
    vendor.unlink(missing_ok=True)
    vendor.symlink_to(_vendor(target))
    _run_chalice(stage, project, work / "merge.json", out, runtime(target))
    shutil.copyfile(layer(target), out / package_lock.LAYER_FILE)
    packaged_inputs.write_text(inputs)
    return out


def files_below(*folders: Path) -> Iterator[Path]:
    """Yield every source file below the folders, always in the same sequence."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not {"__pycache__", "deployments"} & set(path.parts):
                yield path


def _stage_project(source: Path, project: Path, version: tuple[int, int]) -> None:
    """Mirror the sources, with byte code that is valid in any folder.

    Lambda cannot write byte code beside the code. Without byte code, every cold start would
    compile every module that it imports.
    """
    project.mkdir(parents=True, exist_ok=True)
    sources = {Path("app.py"): source / "app.py"}
    for path in files_below(source / "chalicelib", source / ".chalice"):
        sources[path.relative_to(source)] = path
    for copy in list(files_below(project / "chalicelib", project / ".chalice")):
        if copy.relative_to(project) not in sources:
            copy.unlink()
    changed = [name for name, path in sources.items() if _copy(path, project / name)]
    _compile([project / name for name in changed if name.parent != Path()], version)
    (project / "requirements.txt").write_text("")
    for cache in (project / "chalicelib").rglob("__pycache__"):
        for code in cache.iterdir():
            if not (cache.parent / (code.name.split(".")[0] + ".py")).is_file():
                code.unlink()


def _copy(path: Path, copy: Path) -> bool:
    """Copy a file, and return True if it has changed. Its old byte code goes."""
    content = path.read_bytes()
    if copy.is_file() and copy.read_bytes() == content:
        return False
    copy.parent.mkdir(parents=True, exist_ok=True)
    for old in (copy.parent / "__pycache__").glob(f"{copy.stem}.*.pyc"):
        old.unlink()
    copy.write_bytes(content)
    return True


def _compile(paths: Iterable[Path], version: tuple[int, int], *, strict: bool = True) -> None:
    """Compile files and folders for a version of Python, if this machine has it.

    `strict`: raise CalledProcessError for a file that is not valid Python.

    Chalice copies app.py from the project's root, without its byte code.
    """
    names = [str(path) for path in paths if path.is_dir() or path.suffix == ".py"]
    if not names:
        return
    python = sys.executable if version == OWN else shutil.which("python{}.{}".format(*version))
    if python is None:
        text = "no Python {}.{} here: functions compile their modules at each cold start"
        print(text.format(*version), file=sys.stderr)
        return
    command = [python, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    listed = "\n".join(names)
    subprocess.run([*command, "-i", "-"], input=listed, text=True, check=strict)


def _vendor(target: str) -> Path:
    """Install Lambda's packages, once per lock, platform and Python version."""
    recipe = [package_lock.LOCK.read_text(), *AWS_SERVICES, *ENDPOINTS, *TRIMMED]
    recipe += [target, str(runtime(target)), importlib.metadata.version("chalice")]
    vendor = BUILD / f"vendor-{target}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]}"
    if vendor.is_dir():
        return vendor
    fresh = vendor.with_suffix(".tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    install(target, fresh)
    _trim(fresh)
    if runtime(target) == OWN:
        _add_byte_code_of_chalice(fresh)
    _compile([fresh], runtime(target), strict=False)
    for old in BUILD.glob(f"vendor-{target}-*"):
        if old != fresh:
            shutil.rmtree(old)
    fresh.rename(vendor)
    return vendor


def install(
    target: str,
    folder: Path,
    lock: package_lock.Lock = package_lock.PACKAGE,
    wheels: Mapping[str, str] = WHEELS,
) -> None:
    """Install the wheels of a lock. pip refuses a file with another hash."""
    folder.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(package_lock.for_lambda(lock))
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    command += ["--no-compile", "--target", str(folder)]
    if target in wheels:
        version = "{}.{}".format(*runtime(target))
        command += ["--platform", wheels[target], "--python-version", version]
        command += ["--implementation", "cp", "--only-binary", ":all:"]
    subprocess.run([*command, "--require-hashes", "-r", str(requirements)], check=True)
    requirements.unlink()


def _trim(vendor: Path) -> None:
    for name in TRIMMED:
        shutil.rmtree(vendor / name, ignore_errors=True)
    _trim_botocore(vendor / "botocore" / "data")
    for path in list(vendor.rglob("*")):
        if path.suffix in (".pyi", ".pyx", ".pxd", ".h", ".c") or path.name == "py.typed":
            path.unlink()
        elif path.suffix == ".dist-info":
            for entry in path.iterdir():
                if entry.name not in ("METADATA", "LICENSE", "entry_points.txt"):
                    _remove(entry)


def _trim_botocore(data: Path) -> None:
    """Delete the services that are not called. A container's first client reads all endpoints."""
    for service in data.iterdir():
        if service.is_dir() and service.name not in AWS_SERVICES:
            shutil.rmtree(service)
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in ENDPOINTS if name in services}
    (data / "endpoints.json").write_text(json.dumps(endpoints))


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _add_byte_code_of_chalice(vendor: Path) -> None:
    """Compile Chalice's runtime, which Chalice adds to the package as source only."""
    import chalice.app

    for module in (chalice, chalice.app):
        source = Path(module.__file__ or "")
        name = f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        code = vendor / "chalice" / "__pycache__" / name
        code.parent.mkdir(parents=True, exist_ok=True)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(
            str(source),
            cfile=str(code),
            dfile=f"chalice/{source.name}",
            invalidation_mode=mode,
            doraise=True,
        )


def _run_chalice(
    stage: str, project: Path, merge_file: Path, out: Path, version: tuple[int, int]
) -> None:
    """Run `chalice package` with a merge file that is written from the loaded app and stage."""
    sys.path.insert(0, str(project))
    os.environ["STAGE"] = stage
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from chalice.cli import cli
    from chalice.cli.factory import CLIFactory

    from infra.template.assemble import write_merge_file

    # The factory loads the stage's environment, then app.py, as the command does.
    factory = CLIFactory(str(project), environ=os.environ)
    python = "python{}.{}".format(*version)
    write_merge_file(stage, factory.create_config_obj(stage), merge_file, python)
    shutil.rmtree(out, ignore_errors=True)
    for old in (project / ".chalice").glob("deployments/*"):
        old.unlink()
    command = ["--project-dir", str(project), "package", "--stage", stage]
    command += ["--merge-template", str(merge_file), str(out)]
    with contextlib.redirect_stdout(sys.stderr):
        cli.main(command, obj={}, standalone_mode=False)


def package_apart(stage: str, target: str) -> Path:
    """Package in a subprocess, because packaging loads the app and the stage's environment."""
    command = [sys.executable, "-m", "infra.package", "--stage", stage, "--target", target]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Path(ended.stdout.splitlines()[-1])


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
