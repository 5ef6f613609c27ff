# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a backup beside the live database, check it, and let it take the live one's place.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Dict

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    MAINTENANCE,
    exists,
    require_roles,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_dump import ROLES
from ansible_collections.phased.rollout.plugins.module_utils._pg_encrypt import decrypted
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import Manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_preflight import (
    Facts,
    require_programs,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_replaced import require_copy
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_checks import (
    Room,
    require_extensions,
    require_rights,
    require_server,
    require_unblocked,
    subscriptions_in,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_run import Run
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_turn import take_turn
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

_PROGRAMS = ("pg_restore", "pg_dump", "vacuumdb")
_SUMMARY = ("label", "taken_at", "server_version", "bytes", "git_tree", "migration_version")


def restore(server: Server, request: Request, *, check_mode: bool) -> Dict[str, Any]:
    """Return what a module returns of a restore that was done, or in check mode foreseen.

    Raises PgError. Then the live database serves on as it was, unless the message says otherwise.
    """
    started = time.monotonic()
    folder = request.directory / request.label
    with ExitStack() as stack:
        manifest = stack.enter_context(request.backup())
        session = stack.enter_context(Session(server, MAINTENANCE))
        if not check_mode:
            own_name = f"phased.rollout restore of {request.label}"
            take_turn(session, f"restore {request.target}", own_name)
        facts = Facts.of(session)
        server = replace(server, major=facts.major)
        room = _preflight(server, session, facts, request, manifest)
        dump = stack.enter_context(decrypted(folder, manifest, request.scratch, request.identity))
        contents = server.run("pg_restore", "--list", str(dump))
        require_extensions(session, contents)
        run = Run(server, session, request, manifest, dump, room)
        outcome = run.foresee() if check_mode else run.act()
    proof = manifest.get("proof") or {}
    return {
        **outcome.as_dict(),
        "database": request.target,
        "seconds": round(time.monotonic() - started, 3),
        "restore_seconds": proof.get("seconds") if proof.get("proven") else None,
        "left_out": subscriptions_in(contents),
        "backup": {**{name: manifest.get(name) for name in _SUMMARY}, "path": str(folder)},
    }


def _preflight(
    server: Server, session: Session, facts: Facts, request: Request, manifest: Manifest
) -> Room:
    """Return the room that there is, after checking whatever can be checked before all else."""
    require_server(facts, manifest)
    require_programs(server, facts, _PROGRAMS)
    properties = manifest["properties"]
    roles = sorted({*manifest["roles"], properties["owner"]})
    statements = request.directory / request.label / ROLES
    require_roles(session, roles, f"{statements} has the statements that make the backup's roles")
    require_rights(session, facts, roles)
    if request.into:
        require_copy(session, request.into, request.label, request.database)
    elif exists(session, request.target):
        require_unblocked(session, request.target)
    room = Room(server, session, facts, properties.get("tablespace"))
    room.require(manifest.get("database_bytes") or 0)
    return room
