# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tower.comfyui import OPTIMISATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping


class ConfigurationError(Exception):
    """The environment does not describe a service that could run."""


@dataclass(frozen=True)
class Settings:
    """The settings of one process; they do not change while it runs."""

    database_url: str
    environment: str
    port: int
    faults_path: Path
    release: str
    root: Path
    optimisations: frozenset[str] = frozenset({"keep_models"})


def read_settings(environ: Mapping[str, str], root: Path) -> Settings:
    """Return the settings found in environ.

    root: the folder of the release, which holds the code, the migrations and REVISION.
    Raises ConfigurationError if a setting is missing or makes no sense.
    """
    database_url = environ.get("DATABASE_URL", "")
    if not database_url.startswith(("postgresql://", "postgres://")):
        raise ConfigurationError(
            "DATABASE_URL must be set to postgresql://user:password@host:port/database"
        )
    port = environ.get("TOWER_PORT", "8000")
    if not (port.isdigit() and 0 < int(port) < 65536):
        raise ConfigurationError(f"TOWER_PORT must be a port from 1 to 65535, got {port!r}")
    return Settings(
        database_url=database_url,
        environment=environ.get("TOWER_ENVIRONMENT", "development"),
        port=int(port),
        faults_path=Path(environ.get("TOWER_FAULTS", "/etc/tower/faults.json")),
        release=read_release(root),
        root=root,
        optimisations=parse_optimisations(environ.get("TOWER_OPTIMISATIONS", "keep_models")),
    )


def parse_optimisations(text: str) -> frozenset[str]:
    """Return the optimisations named in text, separated by commas; none in an empty text.

    Raises ConfigurationError if one of them does not exist.
    """
    named = frozenset(name.strip() for name in text.split(",") if name.strip())
    unknown = sorted(named - set(OPTIMISATIONS))
    if unknown:
        raise ConfigurationError(
            f"TOWER_OPTIMISATIONS may name {', '.join(OPTIMISATIONS)}, not {', '.join(unknown)}"
        )
    return named


def read_release(root: Path) -> str:
    """Return the tree hash that the deployment wrote into REVISION, "unknown" without it."""
    try:
        return (root / "REVISION").read_text(encoding="utf-8").strip() or "unknown"
    except OSError:
        return "unknown"
