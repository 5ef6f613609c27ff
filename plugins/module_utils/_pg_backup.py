# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a tagged backup with pg_dump and check that all of it can be read back.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

#: Runs argv and returns (exit code, standard output, standard error).
Run = Callable[[List[str]], "tuple[int, str, str]"]
Manifest = Dict[str, Any]

MANIFEST = "manifest.json"
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BackupError(Exception):
    """A backup could not be taken, or one that is there cannot be trusted."""


def check_label(label: str) -> str:
    """Return label. Raises BackupError if it could name anything but one folder."""
    if not _LABEL.fullmatch(label):
        raise BackupError(
            f"label {label!r} is not usable: it must start with a letter or a digit and hold only"
            " letters, digits, '.', '_' and '-', for example pre-phase-1-deployment"
        )
    return label


def find_program(name: str) -> str:
    """Return the path of a PostgreSQL program, the newest installed version first.

    Raises BackupError if there is none.
    """
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if not found:
        raise BackupError(f"{name} is not installed on this host; install the PostgreSQL client")
    return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def read_manifest(folder: Path) -> Optional[Manifest]:
    """Return the manifest of the backup in folder after checking every file, None if absent.

    Raises BackupError if the manifest or a file that it lists is damaged, missing or foreign.
    """
    if not folder.exists():
        return None
    try:
        manifest: Manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files: Dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BackupError(f"{folder} is no backup: its {MANIFEST} cannot be read: {exc}") from exc
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    if there != set(files):
        odd = ", ".join(sorted(there ^ set(files)))
        raise BackupError(f"{folder} does not hold the files that its manifest lists: {odd}")
    damaged = [name for name in sorted(files) if sha256_of(folder / name) != files[name]]
    if damaged:
        raise BackupError(f"{folder} is damaged: {', '.join(damaged)} changed after the backup")
    return manifest


class Backup:
    """One backup to be taken: a database, a label and the directory that keeps backups."""

    def __init__(self, run: Run, *, database: str, label: str, directory: str, jobs: int) -> None:
        self._run = run
        self.database = database
        self.jobs = jobs
        self.directory = Path(directory)
        self.label = check_label(label)
        self.folder = self.directory / self.label

    def find(self) -> Optional[Manifest]:
        """Return the manifest if this very backup is there and intact, None if there is none.

        Raises BackupError if the label is taken by another database or by a damaged backup.
        """
        manifest = read_manifest(self.folder)
        if manifest and manifest.get("database") != self.database:
            raise BackupError(
                f"label {self.label} is taken: {self.folder} is a backup of database"
                f" {manifest.get('database')}, not of {self.database}; choose another label"
            )
        return manifest

    def check_space(self) -> None:
        """Raise BackupError if the directory cannot hold a dump as large as the database."""
        if not self.directory.is_dir():
            raise BackupError(f"directory {self.directory} does not exist on this host; create it")
        query = "SELECT pg_database_size(current_database())"
        needed = int(self._program("psql", "-XAtq", "-c", query, "-d", self.database))
        free = shutil.disk_usage(self.directory).free
        if free < needed:
            raise BackupError(
                f"{self.directory} has {free} bytes free, {self.database} has {needed}"
            )

    def take(self) -> Manifest:
        """Return the manifest of a new backup, which appears under its name only when complete.

        Raises BackupError if a program fails; nothing is left behind then.
        """
        self.check_space()
        for left_by_a_killed_run in self.directory.glob(f".{self.label}.partial-*"):
            shutil.rmtree(left_by_a_killed_run)
        partial = self.directory / f".{self.label}.partial-{os.getpid()}"
        partial.mkdir(mode=0o700)
        try:
            manifest = self._fill(partial)
            partial.rename(self.folder)
        except BaseException:
            shutil.rmtree(partial)
            raise
        _fsync(self.directory)
        return manifest

    def _fill(self, partial: Path) -> Manifest:
        started = time.monotonic()
        taken_at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        dump = partial / "dump"
        # One worker per table needs one snapshot: pg_dump shares it between its jobs.
        self._program("pg_dump", "-Fd", "-j", str(self.jobs), "-f", str(dump), "-d", self.database)
        # Reading the archive to its end decompresses every table; a listing would not.
        self._program("pg_restore", "-f", "/dev/null", str(dump))
        tables = self._program("pg_restore", "--list", str(dump)).count(" TABLE DATA ")
        files = {str(p.relative_to(partial)): p for p in sorted(partial.rglob("*")) if p.is_file()}
        for path in files.values():
            path.chmod(0o600)
            _fsync(path)
        manifest: Manifest = {
            "label": self.label,
            "database": self.database,
            "server_version": self._program("psql", "-XAtqc", "SHOW server_version", self.database),
            "taken_at": taken_at,
            "tables": tables,
            "bytes": sum(path.stat().st_size for path in files.values()),
            "seconds": round(time.monotonic() - started, 3),
            "files": {name: sha256_of(path) for name, path in files.items()},
        }
        target = partial / MANIFEST
        target.touch(mode=0o600)
        target.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        _fsync(target)
        _fsync(partial)
        return manifest

    def _program(self, name: str, *arguments: str) -> str:
        code, stdout, stderr = self._run([find_program(name), *arguments])
        if code != 0:
            raise BackupError(
                f"{name} failed on database {self.database} (exit code {code}):"
                f" {stderr.strip() or stdout.strip() or 'it said nothing'}"
            )
        return stdout.strip()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
