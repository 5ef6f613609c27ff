# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pgBackRest is configured to do on this host: where the repository is, and how to go there.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import re
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path
from typing import Dict, List, Mapping, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError

_FILE = Path("/etc/pgbackrest/pgbackrest.conf")
_OLD_FILE = Path("/etc/pgbackrest.conf")
_INCLUDED = Path("/etc/pgbackrest/conf.d")
#: What a shell, and the forced command of pgBackRest's documentation, hand on as it is.
_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_-]+")


def check_stanza(stanza: str) -> str:
    """Return the name of a stanza. Raises PgError if it is not one."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", stanza):
        raise PgError(f"stanza {stanza!r} is not usable: it may hold only letters, digits, . _ -")
    return stanza


def load_settings(
    stanza: str, file: Optional[str], environment: Mapping[str, str]
) -> Dict[str, str]:
    """Return pgBackRest's settings for a stanza on this host.

    file: the configuration to read in place of pgBackRest's own. Raises PgError.
    """
    paths = [Path(file)] if file else [_FILE if _FILE.exists() else _OLD_FILE]
    paths += [] if file else sorted(_INCLUDED.glob("*.conf"))
    try:
        texts = [path.read_text(encoding="utf-8") for path in paths if file or path.exists()]
    except OSError as exc:
        raise PgError(f"pgBackRest's configuration {exc.filename}: {exc.strerror}") from exc
    settings = read_settings(texts, stanza)
    prefix = "PGBACKREST_"
    for name, value in environment.items():
        if name.startswith(prefix):
            settings[name[len(prefix) :].lower().replace("_", "-")] = value
    return settings


def read_settings(texts: List[str], stanza: str) -> Dict[str, str]:
    """Return the settings that the texts of configuration files give to a stanza.

    Raises PgError if a text is no configuration.
    """
    # Values are taken as they are; an option that is a list stands there several times.
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    for text in texts:
        try:
            parser.read_string(text)
        except ConfigError as exc:
            raise PgError(f"pgBackRest's configuration cannot be read: {exc}") from exc
    settings: Dict[str, str] = {}
    for section in ("global", stanza):
        if parser.has_section(section):
            settings.update(parser.items(section))
    return settings


def to_repository(settings: Mapping[str, str]) -> List[str]:
    """Return the argv that goes before pgbackrest's to run it where the repository is.

    It is empty if that is this host. pgBackRest takes backups only there. Raises PgError if this
    host can reach the repository, but cannot run a program there.
    """
    host = settings.get("repo1-host")
    if not host:
        return []
    if settings.get("repo1-host-type", "ssh") != "ssh":
        raise PgError(
            f"backups are taken on the repository host {host}, which this host reaches by"
            f" {settings['repo1-host-type']} only; give repository_command, for example"
            f" [ssh, pgbackrest@{host}, pgbackrest]"
        )
    port = settings.get("repo1-host-port")
    return [
        settings.get("cmd-ssh", "ssh"),
        *("-o", "BatchMode=yes", "-o", "LogLevel=error"),
        *(["-p", port] if port else []),
        f"{settings.get('repo1-host-user', 'pgbackrest')}@{host}",
        settings.get("repo1-host-cmd", "pgbackrest"),
        *([f"--config={settings['repo1-host-config']}"] if "repo1-host-config" in settings else []),
    ]


def plain(arguments: List[str]) -> List[str]:
    """Return arguments that mean the same after a shell. Raises PgError if one would not."""
    for argument in arguments:
        if not _PLAIN.fullmatch(argument):
            raise PgError(
                f"{argument!r} cannot be handed to the repository host: only letters, digits and"
                " @ % + = : , . / _ - can"
            )
    return arguments
