# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long questions about many decisions take, without and with the indexes that are proposed.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_decisions.py
It makes 10 million generations of 90 days, and a decision on each; BENCH_ROWS=100000 makes fewer.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2

from ansible_collections.phased.rollout.plugins.module_utils._decision_answer import Answer
from ansible_collections.phased.rollout.plugins.module_utils._decision_inquiry import (
    inquire,
    moment,
    propose_indexes,
)
from ansible_collections.phased.rollout.plugins.module_utils._decision_sql import Span
from ansible_collections.phased.rollout.plugins.module_utils._decision_tracker import read_tracker
from ansible_collections.phased.rollout.plugins.module_utils._decisions import METRICS
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._snapshot import Snapshot
from ansible_collections.phased.rollout.tests.integration.conftest import (
    Postgresql,
    free_port,
    hand_over,
    scratch_folder,
    started,
    unprivileged,
)

ROWS, DAYS, ROUNDS, LIMIT_SECONDS = int(os.environ.get("BENCH_ROWS", "10000000")), 90, 5, 600
HOUR, DAY = Span(3600, 300), Span(86400, 7200)
QUESTIONS = [
    ("count", HOUR, 0.1),
    ("rate", HOUR, None),
    ("capture_ratio", HOUR, None),
    ("capture_ratio", DAY, 1.0),
    ("success_ratio", DAY, None),
    ("integrity", HOUR, None),
    ("integrity", DAY, None),
]
# Three kinds at odds, one in a hundred decisions lost.
TABLES = f"""
    CREATE TABLE generations (generation_id bigint, kind text, created_at timestamptz);
    CREATE TABLE decisions (generation_id bigint, kind text, succeeded boolean, at timestamptz);
    INSERT INTO generations
      SELECT n, CASE n % 10 WHEN 0 THEN 'video' WHEN 1 THEN 'upscale' ELSE 'image' END,
        now() - make_interval(secs => {DAYS} * 86400.0 * ({ROWS} - n) / {ROWS})
      FROM generate_series(1, {ROWS}) n;
    INSERT INTO decisions SELECT generation_id, kind, generation_id % 50 > 0, created_at
      FROM generations WHERE generation_id % 100 > 0;
    VACUUM ANALYZE generations;
    VACUUM ANALYZE decisions
"""
TRACKER = read_tracker(
    "decisions",
    Fields(
        {
            "time": "at",
            "key": "generation_id",
            "type": "kind",
            "outcome": {"column": "succeeded", "good": [True]},
            "subject": {"table": "generations", "time": "created_at", "type": "kind"},
        },
        "trackers.decisions",
    ),
)


@contextmanager
def server() -> Iterator[Postgresql]:
    """Run a PostgreSQL of its own, with its usual settings."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1].parent
    with scratch_folder() as folder:
        data, passwords = folder / "data", folder / "password"
        found = Postgresql("127.0.0.1", free_port(), "bench", secrets.token_hex(8))
        passwords.write_text(found.password)
        hand_over(passwords)
        initdb: list[Any] = [
            programs / "initdb",
            f"--pgdata={data}",
            f"--username={found.user}",
            f"--pwfile={passwords}",
            "--auth=scram-sha-256",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run([*unprivileged(), *initdb], check=True, capture_output=True)
        argv: list[Any] = [programs / "postgres", "-D", data, "-p", str(found.port), "-k", folder]
        settings = ["--fsync=off", "--max_wal_size=8GB", f"--listen_addresses={found.host}"]
        with started([*argv, *settings], log=folder / "log", ready=lambda: answers(found)):
            yield found


def answers(found: Postgresql) -> bool:
    """Return whether the server can be asked."""
    with suppress(psycopg2.OperationalError):
        psycopg2.connect(found.dsn, connect_timeout=2).close()
        return True
    return False


def ask(login: Login, metric: str, span: Span) -> Answer:
    """Return the answer to one metric, in a snapshot of its own."""
    with Snapshot(login, LIMIT_SECONDS) as snapshot:
        inquiry = inquire(snapshot, TRACKER, span, moment(snapshot))
        return inquiry.answer(METRICS[metric])


def measure(login: Login, rounds: int) -> dict[tuple[str, Span], float]:
    """Return the median time of each question, in seconds."""
    return {
        (metric, span): statistics.median(
            ask(login, metric, span).seconds for _round in range(rounds)
        )
        for metric, span, limit in QUESTIONS
    }


def main() -> None:
    """Print one line for each question."""
    with server() as found:
        login = Login(found.host, found.port, found.user, found.password, "postgres")
        start = time.perf_counter()
        found.execute(TABLES)
        print(f"{ROWS} generations of {DAYS} days made in {time.perf_counter() - start:.0f} s")
        without = measure(login, 1)
        with Snapshot(login, LIMIT_SECONDS) as snapshot:
            proposals = propose_indexes(snapshot, TRACKER)
        for proposal in proposals:
            start = time.perf_counter()
            found.execute(proposal.statement)
            print(f"{proposal.statement}: {time.perf_counter() - start:.0f} s")
        indexed = measure(login, ROUNDS)
        for metric, span, limit in QUESTIONS:
            before, after = without[metric, span], indexed[metric, span]
            wanted = f", wanted below {1000 * limit:.0f} ms" if limit else ""
            hours = f"{span.window / 3600:.0f} h"
            print(
                f"{metric} of {hours}: {1000 * before:.1f} ms without indexes,"
                f" {1000 * after:.1f} ms with, {before / after:.0f} times faster{wanted}"
            )


if __name__ == "__main__":
    main()
