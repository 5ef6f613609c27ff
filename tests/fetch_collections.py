# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make .collections: this checkout and the collections of requirements.yml.

They come out of the `ansible` bundle on PyPI, whose wheel is a zip file, so neither Galaxy nor the
half gigabyte that the bundle takes when installed is needed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parent.parent
COLLECTIONS = CHECKOUT / ".collections" / "ansible_collections"
BUNDLES = {False: "ansible==12.3.0", True: "ansible==14.5.0"}


def wanted_collections() -> list[str]:
    """Return the names that requirements.yml lists."""
    requirements = yaml.safe_load((CHECKOUT / "requirements.yml").read_text())
    return [collection["name"] for collection in requirements["collections"]]


def link_checkout() -> None:
    """Let the checkout be found as phased.rollout."""
    link = COLLECTIONS / "phased" / "rollout"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path("../../.."))


def fetch(names: list[str]) -> None:
    """Unpack the collections called names from the bundle that fits this interpreter."""
    prefixes = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in names)
    bundle = BUNDLES[sys.version_info >= (3, 12)]
    print(f"setup: fetching {', '.join(names)} from {bundle}", flush=True)
    with tempfile.TemporaryDirectory(dir=CHECKOUT / ".cache") as folder:
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "download", "--no-deps", "--dest", folder, bundle], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            members = [name for name in wheel.namelist() if name.startswith(prefixes)]
            wheel.extractall(COLLECTIONS.parent, members)


def main() -> None:
    """Fetch what is missing."""
    link_checkout()
    missing = [
        name
        for name in wanted_collections()
        if not (COLLECTIONS / name.replace(".", "/") / "MANIFEST.json").is_file()
    ]
    if missing:
        fetch(missing)


if __name__ == "__main__":
    main()
