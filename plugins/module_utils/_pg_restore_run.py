# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One restore, step by step, once its backup and its server are known to be in order.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import (
    Properties,
    exists,
    fill,
    properties_of,
    sums_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_invariants import (
    require_invariants,
    search_path_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_loss import (
    Loss,
    LossError,
    require_accepted,
    require_no_blank_cheque,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import Manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_replaced import (
    Kept,
    copy_comment,
    drop_copy,
    expendable,
    expire,
    keep,
    kept_of,
    mark,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_checks import (
    Room,
    require_unblocked,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._pg_scratch import (
    scratch_database,
    scratch_name,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    conninfo,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_standing import (
    Standing,
    standing_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_swap import Names, swap
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import require_same
from ansible_collections.phased.rollout.plugins.module_utils._pg_writes import Writes
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

_SEARCH_PATH = "search_path="


@dataclass
class Outcome:
    """What came of a restore, or would come of it."""

    #: Whether the database was not what the backup holds.
    differs: bool
    loss: Loss = field(default_factory=Loss)
    kept: Optional[Kept] = None
    downtime: Optional[float] = None
    #: Why it would be refused.
    refusal: Optional[str] = None
    #: Replaced databases that retention took.
    expired: List[str] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)

    def as_dict(self) -> Dict[str, Any]:
        """Return it as a module returns it."""
        return {
            "changed": self.differs or bool(self.expired),
            "differs": self.differs,
            **self.loss.as_dict(),
            "kept_as": self.kept.name if self.kept else None,
            "undo": self.kept.undo if self.kept else None,
            "downtime_seconds": None if self.downtime is None else round(self.downtime, 3),
            "refusal": self.refusal,
            "expired": self.expired,
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Run:
    """A restore that can start. session: of MAINTENANCE, which keeps other restores out."""

    server: Server
    session: Session
    request: Request
    manifest: Manifest
    dump: Path
    room: Room

    def foresee(self) -> Outcome:
        """Return what act() would come to, as far as that can be told. Raises PgError."""
        standing, kept = self._standing(), kept_of(self.session, self.request.target)
        outcome = self._unchanged(kept) if standing and standing.same else Outcome(differs=True)
        if outcome.differs and standing and standing.writes:
            outcome.loss = standing.loss
            outcome.kept = self._keep(comment=None)
            kept = [outcome.kept, *kept]
            try:
                self._require_accepted(standing.loss)
            except LossError as exc:
                outcome.refusal = str(exc)
        gone = expendable(kept, self.request.retention, datetime.now(timezone.utc))
        outcome.expired = [each.name for each in gone]
        return outcome

    def act(self) -> Outcome:
        """Return what came of the restore. Raises PgError."""
        standing = self._standing()
        if standing and standing.same:
            outcome = self._unchanged(kept_of(self.session, self.request.target))
        else:
            if standing and standing.writes:
                self._require_accepted(standing.loss)
            name = scratch_name(self.request.target, "restore")
            with scratch_database(self.server, name, self.manifest["properties"]):
                self._fill(name)
                outcome = self._put_in_place(name, standing)
        self._conclude(outcome, standing)
        return outcome

    def _standing(self) -> Optional[Standing]:
        """Return how the database stands that is to hold the backup, None if there is none."""
        request = self.request
        if not exists(self.session, request.target):
            return None
        standing = standing_of(
            self.server, request.target, self.manifest, self.dump, jobs=request.jobs
        )
        return replace(standing, writes=None) if request.into else standing

    def _require_accepted(self, loss: Loss) -> None:
        require_accepted(loss, self.request.accept_loss, self.request.label)
        require_no_blank_cheque(loss, self.request.accept_loss)

    def _unchanged(self, kept: Sequence[Kept]) -> Outcome:
        """Return that there is nothing to do, and what this very restore kept when it did it."""
        last = kept[0] if kept and kept[0].label == self.request.label else None
        return Outcome(differs=False, kept=last)

    def _keep(self, comment: Optional[str]) -> Kept:
        now = datetime.now(timezone.utc)
        return keep(self.session, self.request.target, self.request.label, now, comment)

    def _fill(self, name: str) -> None:
        """Restore the backup into a scratch database, and check what came of that."""
        jobs, manifest = self.request.jobs, self.manifest
        fill(self.server, self.dump, name, jobs=jobs, watch=self.room.watch)
        self.room.watch()
        found = sums_of(self.server, name, jobs=jobs)
        require_same(manifest["tables"], found, f"the restored {self.request.label}")
        path = search_path(manifest["properties"]) or search_path_of(self.session)
        require_invariants(self.server, name, self.request.invariants, path)
        options = ("--analyze-only", "--no-password", "--quiet", "-j", str(jobs))
        self.server.run("vacuumdb", *options, "-d", conninfo(name))

    def _put_in_place(self, name: str, standing: Optional[Standing]) -> Outcome:
        """Give the restored database the name that it is to have."""
        request, properties = self.request, self.manifest["properties"]
        if standing and standing.writes:
            return self._replace(name, standing.loss, standing.writes)
        if request.into:
            drop_copy(self.session, request.into, request.label, request.database)
            properties = {**properties, "comment": copy_comment(request.label, request.database)}
        names = Names(live=request.target, restored=name)
        swap(self.server, self.session, names, properties=properties)
        return Outcome(differs=True)

    def _replace(self, name: str, loss: Loss, writes: Writes) -> Outcome:
        """Let the restored database take the place of the live one."""
        request, live = self.request, self.request.database
        with Session(self.server, live) as inside:
            loss = writes.recount(inside, loss)
            own_comment = properties_of(inside)["comment"]
        require_accepted(loss, request.accept_loss, request.label)
        require_unblocked(self.session, live)
        kept = self._keep(own_comment)

        def check(inside: Session) -> None:
            require_unblocked(inside, live)
            writes.require_accepted(inside, loss, request.accept_loss)

        downtime = swap(
            self.server,
            self.session,
            Names(live=live, restored=name, kept=kept.name, mark=mark(live, kept)),
            properties=self.manifest["properties"],
            check=check,
        )
        return Outcome(differs=True, loss=loss, kept=kept, downtime=downtime)

    def _conclude(self, outcome: Outcome, standing: Optional[Standing]) -> None:
        """Count what was written last, and let go of databases that were kept long enough.

        The restore itself is done by now and does not fail any more.
        """
        now = datetime.now(timezone.utc)
        try:
            if outcome.downtime is not None and outcome.kept and standing and standing.writes:
                with Session(self.server, outcome.kept.name) as session:
                    outcome.loss = standing.writes.settle(session, outcome.loss)
            gone = expendable(
                kept_of(self.session, self.request.target), self.request.retention, now
            )
            in_use = expire(self.session, gone)
            outcome.expired = [each.name for each in gone if each.name not in in_use]
            outcome.warnings += [f"{name} is in use and stays for now" for name in in_use]
        except PgError as exc:
            outcome.warnings.append(f"what follows the restore was left undone: {exc}")


def search_path(properties: Properties) -> str:
    """Return the search_path that a database sets for everybody, "" if it sets none."""
    settings = [entry["setting"] for entry in properties["settings"] if entry["role"] is None]
    found = [text[len(_SEARCH_PATH) :] for text in settings if text.startswith(_SEARCH_PATH)]
    return found[0] if found else ""
