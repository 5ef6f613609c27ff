# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much longer a backup takes than pg_dump, and its proof than pg_restore.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_backup.py
The database is pgbench's of more than 1 GB; BENCH_SCALE=8 makes a tenth of it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ansible_collections.phased.rollout.plugins.module_utils._pg_backup import back_up
from ansible_collections.phased.rollout.plugins.module_utils._pg_proof import Proof
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_tables import sum_tables
from ansible_collections.phased.rollout.plugins.module_utils._pg_wanted import Wanted
from ansible_collections.phased.rollout.plugins.module_utils._psql import Session
from ansible_collections.phased.rollout.tests.integration.restorer import own_cluster

SCALE, JOBS, ROUNDS = int(os.environ.get("BENCH_SCALE", "80")), 2, 3
DATABASE = "bench"
#: The flags that the backup gives as well.
DUMP = ["pg_dump", "-Fd", "-j", str(JOBS), "--no-password"]
RESTORE = ["pg_restore", "-j", str(JOBS), "--exit-on-error", "--no-subscriptions", "--no-password"]
#: What is to be reached: the time of the backup, of the sums and of the proof, as ratios; memory.
BACKUP, SUMS, PROOF, MEGABYTES = 1.05, 0.25, 1.15, 100


def timed(work: Callable[[], Any]) -> float:
    """Return how long something took, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(server: Server, *argv: str) -> None:
    """Run a program of PostgreSQL with nothing around it."""
    subprocess.run(argv, env={**os.environ, **server.environment}, check=True, capture_output=True)


def backup(server: Server, directory: Path, label: str, kind: str) -> dict[str, float]:
    """Return how long a backup took in a process of its own, and the memory that it took, in MB."""
    argv = [sys.executable, __file__, str(directory), label, kind]
    told = subprocess.run(
        argv, env={**os.environ, **server.environment}, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, float] = json.loads(told.stdout)
    return found


def alone(directory: str, label: str, kind: str) -> None:
    """Take a backup in this process, and print how long that took and the memory that it took."""
    folder = Path(directory)
    wanted = Wanted(DATABASE, label, folder, JOBS, Proof(kind, folder, JOBS))
    server = Server({name: os.environ[name] for name in os.environ if name.startswith("PG")})
    seconds = timed(lambda: back_up(server, wanted, check_mode=False))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


def sums(server: Server) -> None:
    """Sum all tables, with nothing else going on."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(server, DATABASE)) for _turn in range(JOBS)]
        sum_tables(sessions)


def measure(server: Server, folder: Path, number: int) -> dict[str, float]:
    """Return what one round measured: seconds, and MB."""
    label, bare = f"round-{number}", folder / f"bare-{number}"
    dump = timed(lambda: run(server, *DUMP, "-f", str(bare), "-d", DATABASE))
    taken = backup(server, folder, label, "list")
    run(server, "createdb", "bare")
    restore = timed(lambda: run(server, *RESTORE, "-d", "bare", str(bare)))
    run(server, "dropdb", "bare")
    backup(server, folder, label, "database")
    proof = json.loads((folder / label / "manifest.json").read_text())["proof"]["seconds"]
    return {
        "pg_dump": dump,
        "backup": taken["seconds"],
        "sums": timed(lambda: sums(server)),
        "pg_restore": restore,
        "proof": proof,
        "megabytes": taken["megabytes"],
    }


def main() -> None:
    """Print one line for each ratio."""
    options = ["--max_wal_size=8GB", "--shared_buffers=256MB"]
    with own_cluster(*options) as cluster, tempfile.TemporaryDirectory() as folder:
        made = cluster.server
        server = Server(
            {
                "PGHOST": made.host,
                "PGPORT": str(made.port),
                "PGUSER": made.user,
                "PGPASSWORD": made.password,
            }
        )
        run(server, "createdb", DATABASE)
        run(server, "pgbench", "-i", "-q", "-s", str(SCALE), DATABASE)
        size = made.execute(f"SELECT pg_size_pretty(pg_database_size('{DATABASE}'))")[0][0]
        print(f"pgbench at scale {SCALE}, {size}; the median of {ROUNDS} rounds")
        rounds = [measure(server, Path(folder), number) for number in range(ROUNDS)]
        median = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
        for what, against, limit in (
            ("backup", "pg_dump", BACKUP),
            ("sums", "pg_dump", SUMS),
            ("proof", "pg_restore", PROOF),
        ):
            # Each round has its own yardstick: the machine may be busier in one than in another.
            ratio = statistics.median(one[what] / one[against] for one in rounds)
            print(
                f"{what:8} {median[what]:6.1f} s, {against} {median[against]:6.1f} s:"
                f" {ratio:.2f} (at most {limit})"
            )
        print(f"memory   {median['megabytes']:6.0f} MB (at most {MEGABYTES})")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        alone(*sys.argv[1:])
    else:
        main()
