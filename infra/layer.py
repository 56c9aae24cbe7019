"""The layer of the function that writes fact files, as a zip."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

from infra import package_lock
from infra.package import ARCHITECTURE, AWS, BUILD, CONTAINER, files_below, install, runtime

LAYER_WHEELS = {
    AWS: "manylinux_2_26_aarch64",
    CONTAINER: f"manylinux_2_{26 if ARCHITECTURE == 'aarch64' else 27}_{ARCHITECTURE}",
}


def layer(target: str) -> Path:
    """Zip the packages of the layer, once per lock, platform and Python version."""
    recipe = [package_lock.LAYER.file.read_text(), target, str(runtime(target))]
    digest = hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]
    file = BUILD / f"layer-{target}-{digest}.zip"
    if file.is_file():
        return file
    folder = BUILD / f"layer-{target}.tmp"
    shutil.rmtree(folder, ignore_errors=True)
    install(target, folder / "python", package_lock.LAYER, LAYER_WHEELS)
    fresh = file.with_suffix(".tmp")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files_below(folder):  # always the same bytes, or the layer would be replaced
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    shutil.rmtree(folder)
    for old in BUILD.glob(f"layer-{target}-*.zip"):
        old.unlink()
    fresh.rename(file)
    return file
