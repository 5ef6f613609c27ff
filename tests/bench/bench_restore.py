# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long nobody can use a database that is restored, small or large, and how long it takes.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_restore.py
The databases are pgbench's, of less than 25 MB and of more than 1 GB; BENCH_SCALE=8 makes the large
one a tenth of that.
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
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg2

from ansible_collections.phased.rollout.plugins.module_utils._pg_backup import back_up
from ansible_collections.phased.rollout.plugins.module_utils._pg_proof import Proof
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore import restore
from ansible_collections.phased.rollout.plugins.module_utils._pg_restore_request import Request
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import Server
from ansible_collections.phased.rollout.plugins.module_utils._pg_wanted import Wanted
from ansible_collections.phased.rollout.tests.integration.conftest import Postgresql
from ansible_collections.phased.rollout.tests.integration.restorer import own_cluster, quoted

SCALES = {"small": 1, "large": int(os.environ.get("BENCH_SCALE", "80"))}
JOBS, ROUNDS, CLIENTS = 2, 3, 20
#: The flags that the restore gives as well.
RESTORE = ["pg_restore", "-j", str(JOBS), "--exit-on-error", "--no-subscriptions", "--no-password"]
#: What is to be reached: the time without a database in seconds, and memory.
DOWNTIME, MEGABYTES = 1.0, 100


def timed(work: Callable[[], Any]) -> float:
    """Return how long something took, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(server: Server, *argv: str) -> None:
    """Run a program of PostgreSQL with nothing around it."""
    subprocess.run(argv, env={**os.environ, **server.environment}, check=True, capture_output=True)


def alone(database: str, directory: str) -> None:
    """Restore in this process, and print how long that took and the memory that it took."""
    request = Request(database, "bench", Path(directory), JOBS, Path(directory), accept_loss=100)
    server = Server({name: os.environ[name] for name in os.environ if name.startswith("PG")})
    result = restore(server, request, check_mode=False)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    told = ("seconds", "downtime_seconds", "kept_as")
    print(json.dumps({"megabytes": megabytes, **{name: result[name] for name in told}}))


def measure(made: Postgresql, server: Server, database: str, folder: Path) -> dict[str, float]:
    """Return what one round measured: seconds, and MB."""
    run(server, "createdb", "bare")
    bare = timed(lambda: run(server, *RESTORE, "-d", "bare", str(folder / "bench" / "dump")))
    run(server, "dropdb", "bare")
    made.execute("UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1", database)
    with ExitStack() as stack:
        for _client in range(CLIENTS):
            stack.enter_context(closing(psycopg2.connect(made.dsn_of(database))))
        told = subprocess.run(
            [sys.executable, __file__, database, str(folder)],
            env={**os.environ, **server.environment},
            check=True,
            stdout=subprocess.PIPE,
        )
    found: dict[str, Any] = json.loads(told.stdout)
    made.execute(f"DROP DATABASE {quoted(found.pop('kept_as'))}")
    return {"pg_restore": bare, **found}


def bench(made: Postgresql, server: Server, database: str, scale: int) -> None:
    """Print what restoring a database of some size comes to."""
    run(server, "createdb", database)
    run(server, "pgbench", "-i", "-q", "-s", str(scale), database)
    size = made.execute(f"SELECT pg_size_pretty(pg_database_size('{database}'))")[0][0]
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        wanted = Wanted(database, "bench", folder, JOBS, Proof("list", folder, JOBS))
        back_up(server, wanted, check_mode=False)
        rounds = [measure(made, server, database, folder) for _round in range(ROUNDS)]
    median = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    # Each round has its own yardstick: the machine may be busier in one than in another.
    ratio = statistics.median(one["seconds"] / one["pg_restore"] for one in rounds)
    print(
        f"pgbench at scale {scale}, {size}: nobody could use it for"
        f" {median['downtime_seconds']:.3f} s (at most {DOWNTIME:.0f} s); all of it"
        f" {median['seconds']:.1f} s, bare pg_restore {median['pg_restore']:.1f} s: {ratio:.2f};"
        f" memory {median['megabytes']:.0f} MB (at most {MEGABYTES})"
    )


def main() -> None:
    """Print one line for each size."""
    with own_cluster("--max_wal_size=8GB", "--shared_buffers=256MB") as cluster:
        made = cluster.server
        names = {"PGHOST": made.host, "PGUSER": made.user, "PGPASSWORD": made.password}
        server = Server({**names, "PGPORT": str(made.port)})
        print(f"with {CLIENTS} clients connected; the median of {ROUNDS} rounds")
        for database, scale in SCALES.items():
            bench(made, server, database, scale)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        alone(*sys.argv[1:])
    else:
        main()
