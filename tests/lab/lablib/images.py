# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the images that hosts start from: one with all software, and a snapshot of each host.

An image's tag is a hash of everything that it is made of, so a change makes a new one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .podman import podman, run_logged
from .settings import HOSTS, LAB_DIR, PREFIX, STATE_DIR, Host, LabError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY = "https://registry-1.docker.io/v2/"
REGISTRY_IMAGE = "docker.io/library/debian:bookworm"
REGISTRY_TIMEOUT_S = 3
LOCAL_BASE = f"localhost/{PREFIX}-debian:bookworm"
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def base_image() -> str:
    """Return the name of the image with all software."""
    return f"localhost/{PREFIX}-software:{_digest(LAB_DIR / 'Containerfile')}"


def snapshot_key() -> str:
    """Return a hash of all that the hosts are made of."""
    parts = ("Containerfile", "Containerfile.host", "hosts", "tower")
    return _digest(*(LAB_DIR / part for part in parts))


def snapshot_image(host: Host, key: str) -> str:
    """Return the name of a host's snapshot."""
    return f"localhost/{PREFIX}-{host.snapshot}:{key}"


def ensure_images(key: str, lock_fd: int) -> None:
    """Make the images that are missing. Raises LabError."""
    there = set(_images())
    kinds = {host.snapshot: host for host in HOSTS}
    missing = [host for host in kinds.values() if snapshot_image(host, key) not in there]
    if not missing:
        return
    _remove_left_overs()
    if base_image() not in there:
        print("lab: building the image with all software (about a minute, once)", flush=True)
        _build_software(lock_fd)
    print(f"lab: making snapshots of {len(missing)} kinds of host", flush=True)
    context = _snapshot_context()
    with ThreadPoolExecutor(max_workers=len(missing)) as pool:
        list(pool.map(lambda host: _build_snapshot(host, key, context, lock_fd), missing))
    shutil.rmtree(context)


def remove_images(keep_key: str | None) -> None:
    """Remove this checkout's images, except the ones of keep_key."""
    keep = {LOCAL_BASE, base_image()} if keep_key else set()
    if keep_key:
        keep |= {snapshot_image(host, keep_key) for host in HOSTS}
    unwanted = [name for name in _images() if name not in keep]
    if unwanted:
        # An old one that somebody else uses is no reason to fail.
        podman("rmi", "-f", *unwanted, check=keep_key is None)


def _images() -> list[str]:
    found = json.loads(podman("images", "--format", "json"))
    names = [name for image in found for name in image.get("Names") or []]
    return [name for name in names if name.startswith(f"localhost/{PREFIX}-")]


def _build_software(lock_fd: int) -> None:
    base = _registry_base() or _local_base(lock_fd)
    file = LAB_DIR / "Containerfile"
    _build(base_image(), {"BASE": base}, file=file, context=LAB_DIR, lock_fd=lock_fd)


def _registry_base() -> str | None:
    """Return the name of Debian's image if it is there or its registry answers."""
    if podman("images", "-q", REGISTRY_IMAGE).strip():
        return REGISTRY_IMAGE
    answered = threading.Event()
    # A name server that is silent keeps a lookup waiting for much longer than its timeout.
    threading.Thread(target=_ask_registry, args=(answered,), daemon=True).start()
    return REGISTRY_IMAGE if answered.wait(REGISTRY_TIMEOUT_S) else None


def _ask_registry(answered: threading.Event) -> None:
    try:
        urllib.request.urlopen(REGISTRY, timeout=REGISTRY_TIMEOUT_S)
    except urllib.error.HTTPError as exc:
        if exc.code != 401:  # who are you? is an answer
            return
    except OSError:
        return
    answered.set()


def _local_base(lock_fd: int) -> str:
    """Return the name of a Debian image made from Debian's packages."""
    if LOCAL_BASE in _images():
        return LOCAL_BASE
    if not shutil.which("mmdebstrap"):
        raise LabError(f"{REGISTRY} does not answer and mmdebstrap is not installed: need one")
    options = [
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")),
        "--dpkgopt=force-unsafe-io",
    ]
    argv = ["mmdebstrap", "--variant=minbase", "--quiet", *options, "bookworm", "-"]
    log_file = STATE_DIR / "debian.log"
    with (
        log_file.open("wb") as log,
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, pass_fds=(lock_fd,)) as debian,
    ):
        imported = run_logged(["podman", "import", "-", LOCAL_BASE], log, lock_fd, debian.stdout)
    if debian.returncode or imported:
        raise LabError(f"could not make a Debian image: {_last_line(log_file)} (see {log_file})")
    return LOCAL_BASE


def _snapshot_context() -> Path:
    context = STATE_DIR / "context"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir()
    shutil.copytree(LAB_DIR / "hosts", context / "hosts")
    for file in ("traffic.py", "tower-traffic.service"):
        shutil.copy(LAB_DIR / "tower" / file, context)
    build = [str(LAB_DIR / "tower" / "build_history"), str(context / "tower.git")]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{build[0]} failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return context


def _build_snapshot(host: Host, key: str, context: Path, lock_fd: int) -> None:
    arguments = {"IMAGE": base_image(), "PROFILES": " ".join(("common", *host.profiles))}
    file = LAB_DIR / "Containerfile.host"
    _build(snapshot_image(host, key), arguments, file=file, context=context, lock_fd=lock_fd)


def _build(
    image: str, arguments: dict[str, str], *, file: Path, context: Path, lock_fd: int
) -> None:
    argv = ["podman", "build", "--layers=false", "--tag", image, "--file", str(file)]
    for name, value in arguments.items():
        argv += ["--build-arg", f"{name}={value}"]
    what = image.removeprefix(f"localhost/{PREFIX}-").partition(":")[0]
    log_file = STATE_DIR / f"build-{what}.log"
    with log_file.open("wb") as log:
        status = run_logged([*argv, str(context)], log, lock_fd)
    if status != 0:
        raise LabError(f"could not build {what}: {_last_line(log_file)} (see {log_file})")


def _remove_left_overs() -> None:
    """Remove the working containers of builds that were killed."""
    for line in podman("ps", "-a", "--external", "--format", "{{.ID}} {{.Names}}").splitlines():
        identity, _, name = line.partition(" ")
        if name.startswith(PREFIX) and "working-container" in name:
            podman("rm", "-f", identity)


def _last_line(log_file: Path) -> str:
    lines = log_file.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"


def _digest(*paths: Path) -> str:
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(_files(path)):
            executable = file.stat().st_mode & 0o100
            data = file.read_bytes()
            head = f"{file.relative_to(LAB_DIR)} {executable} {len(data)}\n"
            found.update(head.encode() + data)
    return found.hexdigest()[:12]


def _files(path: Path) -> Iterator[Path]:
    candidates = path.rglob("*") if path.is_dir() else [path]
    return (file for file in candidates if file.is_file() and not CACHES & set(file.parts))
