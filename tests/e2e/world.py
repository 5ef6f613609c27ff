# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as a stranger sees it: git over ssh, the hosts by ssh, the database by psql."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
LAB = CHECKOUT / "tests" / "lab" / "lab"
SSH = f"ssh -F {CHECKOUT / '.cache/lab/ssh_config'}"
REMOTE = "ssh://git@forge/srv/git/tower.git"
TAG = "v1.0.0-ssot-phase1"
FEATURE = "feature/phase1-ssot-bridge-implementation"
PRODUCTION = ("prod1", "prod2")
#: What a run may change on a host: releases, the unit, its process, backups.
HOST_STATE = (
    "find /opt/tower /etc/systemd/system /etc/tower /var/backups/rollout /var/lib/validator"
    " -printf '%p %l %T@ %s\\n' 2>/dev/null | sort;"
    " systemctl show --property=MainPID --property=NRestarts tower-anime-production"
)


def lab(*arguments: str) -> str:
    """Return what the lab script printed."""
    return run([str(LAB), *arguments])


def run(argv: list[str], *, cwd: Path | None = None) -> str:
    """Return what a program printed. Raises CalledProcessError, with its output, if it failed."""
    environment = {**os.environ, "GIT_SSH_COMMAND": SSH, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )
    if done.returncode:
        raise AssertionError(f"{argv} gave {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout.strip()


def on(host: str, command: str) -> str:
    """Return what a shell command printed on a host, as root."""
    return lab("ssh", host, "sudo", "sh", "-c", shlex.quote(command))


def sql(query: str, database: str = "tower_consolidated") -> str:
    """Return what a query answers, unaligned."""
    psql = ["sudo", "-u", "postgres", "psql", "-XAtq", database]
    done = subprocess.run(
        [*SSH.split(), "db", *psql], input=query, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def refs() -> dict[str, str]:
    """Return the remote's refs."""
    lines = run(["git", "ls-remote", REMOTE]).splitlines()
    return {name: sha for sha, name in (line.split("\t") for line in lines)}


def health(host: str) -> dict[str, Any]:
    """Return what the application on a host says of itself."""
    lines = (CHECKOUT / "inventories/lab/group_vars/all/lab.yml").read_text()
    url = yaml.safe_load(lines)["lab_tower_urls"][host]
    with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


class History:
    """A clone of the remote, as fresh as its making."""

    def __init__(self, folder: Path) -> None:
        run(["git", "clone", "--quiet", "--bare", REMOTE, str(folder)])
        self._folder = folder

    def git(self, *arguments: str) -> str:
        """Return what git printed."""
        return run(["git", *arguments], cwd=self._folder)


def snapshot() -> dict[str, str]:
    """Return all that a dry run must leave alone, in a form that can be compared."""
    world = {f"ref {name}": sha for name, sha in refs().items()}
    for host in ("staging1", "db", *PRODUCTION):
        world[f"host {host}"] = on(host, HOST_STATE)
    for database in ("tower_staging", "tower_consolidated", "rollout"):
        # pg_dump puts a key of its own into each dump.
        dump = f"runuser -u postgres -- pg_dump -s {database} | grep -v restrict"
        world[f"schema {database}"] = on("db", dump)
    marked = "SELECT count(*) FROM generations WHERE project_id LIKE 'phase1-%'"
    world["smoke requests"] = sql(marked) + sql(marked, "tower_staging")
    return world
