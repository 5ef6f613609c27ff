# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database would lose if a backup took its place: rows written since, and columns.

A table that holds the same rows loses nothing. Of any other, those rows count which were written
by a transaction that the backup may not have seen; its number stands in the row. That is never too
few. Where the numbers cannot be compared (another server, a database that was itself restored
since), all rows of the table count.

This module util is PRIVATE to the collection. It runs on database hosts: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.phased.rollout.plugins.module_utils._pg_database import incarnation_of
from ansible_collections.phased.rollout.plugins.module_utils._pg_manifest import Manifest
from ansible_collections.phased.rollout.plugins.module_utils._pg_moment import one_moment
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import (
    PgError,
    Server,
    listed,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import (
    LARGE_OBJECTS,
    Sums,
    differences,
    sum_tables,
)
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session

_COUNT = """
SELECT count({what}) AS total,
       count({what}) FILTER (WHERE age(t.xmin) <= age('{first}'::xid)) AS lost,
       count({what}) FILTER (WHERE age(t.xmin) <= age('{first}'::xid)
                             AND age(t.xmin) > age('{last}'::xid)) AS doubtful
FROM {table} AS t
"""
_COUNT_ALL = "SELECT count({what}) AS total FROM {table} AS t"
_PAGES = """(SELECT oid, xmin FROM pg_largeobject_metadata
             UNION ALL SELECT loid, xmin FROM pg_largeobject)"""
_SERVER = """
SELECT system_identifier::text AS id, pg_snapshot_xmax(pg_current_snapshot())::text AS next
FROM pg_control_system()
"""
_MOST_TRANSACTIONS = 1 << 31
# How far accept_loss may lie above what would be lost: some rows may come while it is typed.
_MARGIN_ROWS, _MARGIN_PART = 100, 10


class Horizon(NamedTuple):
    """Transactions from last on were not seen by a backup, those from first on perhaps not."""

    first: str
    last: str


class TableLoss(NamedTuple):
    """What a table would lose, in rows. returning: rows that were changed or deleted since."""

    lost: int
    returning: int = 0
    exact: bool = True
    in_backup: bool = True


@dataclass(frozen=True)
class Loss:
    """What a database would lose, by table and column. same: nothing at all differs."""

    tables: Dict[str, TableLoss] = field(default_factory=dict)
    columns: Dict[str, List[str]] = field(default_factory=dict)
    same: bool = False

    @property
    def rows(self) -> Dict[str, int]:
        """How many rows each table would lose; one that the backup lacks is lost as a whole."""
        return {
            name: table.lost
            for name, table in sorted(self.tables.items())
            if table.lost or not table.in_backup
        }

    @property
    def total(self) -> int:
        """How many rows would be lost."""
        return sum(self.rows.values())

    @property
    def exact(self) -> bool:
        """Whether the numbers are known exactly; otherwise they may be too high."""
        return all(table.exact for table in self.tables.values())

    def updated(self, tables: Dict[str, TableLoss]) -> Loss:
        """Return the loss with some tables counted again."""
        return replace(self, tables={**self.tables, **tables}, same=self.same and not tables)

    def as_dict(self) -> Dict[str, Any]:
        """Return what modules return of it."""
        returning = {name: table.returning for name, table in sorted(self.tables.items())}
        return {
            "lost": self.rows,
            "lost_rows": self.total,
            "exact": self.exact,
            "columns_lost": self.columns,
            "returning": {name: number for name, number in returning.items() if number > 0},
        }


class LossError(PgError):
    """More would be lost than was accepted. details: what a module returns of it."""

    def __init__(self, message: str, loss: Loss) -> None:
        super().__init__(message)
        self.details = loss.as_dict()


def count_loss(server: Server, database: str, manifest: Manifest, *, jobs: int) -> Loss:
    """Return what the database would lose if the backup took its place. Raises PgError."""
    wanted: Sums = manifest["tables"]
    with one_moment(server, database, jobs=jobs) as (sessions, _moment):
        found = sum_tables(sessions)
        differ = [name for name in found if not _same_rows(wanted.get(name), found[name])]
        tables = count_tables(sessions[0], differ, manifest)
    for name in set(wanted) - set(found):
        tables[name] = TableLoss(lost=0, returning=wanted[name]["rows"])
    return Loss(tables, columns_lost(wanted, found), same=not differences(wanted, found))


def count_tables(session: Session, names: List[str], manifest: Manifest) -> Dict[str, TableLoss]:
    """Return what tables of the session's database would lose. Raises PgError."""
    horizon = horizon_of(session, manifest)
    return {name: _count(session, name, manifest["tables"].get(name), horizon) for name in names}


def _count(
    session: Session, name: str, wanted: Optional[Dict[str, Any]], horizon: Optional[Horizon]
) -> TableLoss:
    large = name == LARGE_OBJECTS
    what, table = ("DISTINCT t.oid", _PAGES) if large else ("*", f"ONLY {name}")
    if wanted is None or horizon is None:
        total: int = session.row(_COUNT_ALL.format(what=what, table=table))["total"]
        return TableLoss(total, exact=wanted is None, in_backup=wanted is not None)
    found = session.row(_COUNT.format(what=what, table=table, **horizon._asdict()))
    returning = wanted["rows"] - (found["total"] - found["lost"])
    return TableLoss(found["lost"], returning, exact=not found["doubtful"])


def horizon_of(session: Session, manifest: Manifest) -> Optional[Horizon]:
    """Return the horizon of a backup in the session's database, None if it has no meaning there."""
    server = session.row(_SERVER)
    first, last = (int(number) for number in manifest["snapshot"].split(":")[:2])
    if manifest["system_identifier"] != server["id"]:
        return None
    if manifest.get("incarnation") != incarnation_of(session):
        return None
    if not 0 <= int(server["next"]) - first < _MOST_TRANSACTIONS:
        return None
    return Horizon(str(first % (1 << 32)), str(last % (1 << 32)))


def require_accepted(loss: Loss, accepted: int, label: str) -> None:
    """Raise LossError if more rows would be lost than were accepted."""
    if loss.total > accepted:
        bound = "" if loss.exact else "up to "
        raise LossError(
            f"{bound}{loss.total} rows were written after the backup {label} and would be lost"
            f" ({_shown(loss)}), but {accepted} are accepted. accept_loss={loss.total} accepts it;"
            " the database that has them is kept beside it",
            loss,
        )


def require_no_blank_cheque(loss: Loss, accepted: int) -> None:
    """Raise LossError if far more rows were accepted than would be lost."""
    if accepted > loss.total + max(_MARGIN_ROWS, loss.total // _MARGIN_PART):
        raise LossError(
            f"accept_loss={accepted} accepts far more than the {loss.total} rows that would be"
            f" lost ({_shown(loss)}); give accept_loss={loss.total}",
            loss,
        )


def _shown(loss: Loss) -> str:
    rows = sorted(loss.rows.items(), key=lambda entry: -entry[1])
    return listed([f"{name} {number}" for name, number in rows], most=20) or "nothing"


def _same_rows(wanted: Optional[Dict[str, Any]], found: Dict[str, Any]) -> bool:
    return wanted is not None and all(wanted[key] == found[key] for key in ("rows", "sum"))


def columns_lost(wanted: Sums, found: Sums) -> Dict[str, List[str]]:
    """Return the columns that the backup lacks, by table, as far as it says which it has."""
    lost: Dict[str, List[str]] = {}
    for name, table in found.items():
        known = wanted.get(name, {"columns": []}).get("columns")
        more = [] if known is None else [each for each in table["columns"] if each not in known]
        if more:
            lost[name] = more
    return lost
