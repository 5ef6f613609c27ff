# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small migration tool: migrator.py VERSION brings DATABASE_URL to a version, up or down.

Its folder holds 0001.up.sql and 0001.down.sql, and so on. A step runs in one transaction, unless
its first line is "-- outside"; then each of its statements stands for itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg2


def main(to: str) -> None:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS schema_version (version text NOT NULL)")
    cursor.execute("SELECT coalesce(max(version), '0000') FROM schema_version")
    (row,) = cursor.fetchall()
    present = int(row[0])
    print(f"from {present:04} to {to}", flush=True)
    for number in range(present + 1, int(to) + 1):
        step(cursor, f"{number:04}.up.sql", f"{number:04}")
    for number in range(present, int(to), -1):
        step(cursor, f"{number:04}.down.sql", f"{number - 1:04}")


def step(cursor: psycopg2.extensions.cursor, name: str, version: str) -> None:
    print(f"running {name}", flush=True)
    text = Path(name).read_text(encoding="utf-8")
    outside = text.startswith("-- outside")
    statements = text.split(";\n") if outside else ["BEGIN", text]
    # The version table of most tools is empty at the beginning of their line.
    known = [] if version == "0000" else [f"INSERT INTO schema_version VALUES ('{version}')"]
    ending = [] if outside else ["COMMIT"]
    for statement in [*statements, "DELETE FROM schema_version", *known, *ending]:
        if statement.strip():
            cursor.execute(statement)


try:
    main(sys.argv[1])
except (psycopg2.Error, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
