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
    echo_brain_url: str | None = None
    echo_brain_timeout_seconds: float = 0.15
    echo_brain_pause_seconds: float = 5.0


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
        echo_brain_url=parse_url(environ.get("TOWER_ECHO_BRAIN_URL", "")),
        echo_brain_timeout_seconds=milliseconds(environ, "TOWER_ECHO_BRAIN_TIMEOUT_MS", 150),
        echo_brain_pause_seconds=milliseconds(environ, "TOWER_ECHO_BRAIN_PAUSE_MS", 5000),
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


def parse_url(text: str) -> str | None:
    """Return the URL of Echo Brain, None if there is none. Raises ConfigurationError."""
    if text and not text.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"TOWER_ECHO_BRAIN_URL must be like http://127.0.0.1:8100, got {text!r}"
        )
    return text.rstrip("/") or None


def milliseconds(environ: Mapping[str, str], name: str, default: int) -> float:
    """Return a time given in milliseconds as seconds. Raises ConfigurationError."""
    text = environ.get(name, str(default))
    if not (text.isdigit() and 0 < int(text) <= 60_000):
        raise ConfigurationError(f"{name} must be from 1 to 60000 milliseconds, got {text!r}")
    return int(text) / 1000


def read_release(root: Path) -> str:
    """Return the tree hash that the deployment wrote into REVISION, "unknown" without it."""
    try:
        return (root / "REVISION").read_text(encoding="utf-8").strip() or "unknown"
    except OSError:
        return "unknown"
