# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the ledger takes with a million entries and ten million samples in it.

Run it from the root of the checkout: PYTHONPATH=.collections python tests/bench/bench_ledger.py
Half of the entries are one chain, the others chains of a usual length; BENCH_ROWS=100000 makes a
hundredth of all, as it is the number of samples.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg2

from ansible_collections.phased.rollout.plugins.module_utils._entry import (
    KINDS,
    STEP,
    Draft,
    Entry,
    sealed,
)
from ansible_collections.phased.rollout.plugins.module_utils._ledger_export import export
from ansible_collections.phased.rollout.plugins.module_utils._ledger_sql import INSERT, STORED
from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger
from ansible_collections.phased.rollout.plugins.module_utils._login import Login
from ansible_collections.phased.rollout.tests.bench.bench_decisions import server

SAMPLES = int(os.environ.get("BENCH_ROWS", "10000000"))
ENTRIES = SAMPLES // 10
LONG, USUAL = "long", 2000
DATABASE, APPENDS, ROUNDS, EVERY_MINUTES, OBJECTIVES = "rollout", 200, 5, 10, 10
VERIFIER = Path(__file__).parents[2] / "playbooks" / "files" / "verify_ledger.py"
STEPS = (
    *("backup", "integrate", "validate", "stage", "release", "deploy", "prove", "watch"),
    *("resolve", "forecast", "entry", "exit", "report"),
)
# What a phase writes: every step twice, gates with their results, and what it came to.
PHASE: list[tuple[str, dict[str, Any]]] = [
    *[(STEP, {"step": step, "status": "started"}) for step in STEPS],
    *[
        (STEP, {"step": step, "status": "passed", "evidence": {"bytes": 123456789, "seconds": 4.2}})
        for step in STEPS
    ],
    *[
        ("gate", {"gate": gate, "verdict": "pass", "results": [
            {"name": f"objective_{n}", "value": n / 7, "unit": "ms", "verdict": "pass"}
            for n in range(8)]})
        for gate in ("entry", "integration", "release", "deploy", "exit")
    ],
    *[(kind, {"tag": "v1.0.0", "tree": "a" * 40}) for kind in ("backup", "released", "deployed")],
    *[("approval", {"role": "reviewer", "person": person}) for person in ("ada", "bob", "eve")],
]  # fmt: skip
FILL_SAMPLES = f"""
INSERT INTO rollout.samples
SELECT 'r' || n / 4, 'phase-' || 1 + n % 4, 'objective_' || o,
  date_trunc('hour', now()) - t * interval '{EVERY_MINUTES} minutes', o / 7.0, 'ms', 'pass',
  '1 ms < 2 ms'
FROM generate_series(0, 89 * 24 * {60 // EVERY_MINUTES}) t, generate_series(1, {OBJECTIVES}) o,
  generate_series(1, greatest(1, {SAMPLES} / (89 * 24 * {60 // EVERY_MINUTES} * {OBJECTIVES}))) n
"""


def chain(rollout: str, length: int) -> Iterator[Entry]:
    """Yield the entries of a rollout: its four phases, over and over again."""
    head, at = None, datetime.now(timezone.utc) - timedelta(days=89)
    for number in range(length):
        turn, place = divmod(number, len(PHASE))
        kind, data = PHASE[place]
        phase = f"phase-{1 + turn % 4}"
        key = f"{phase}/{turn}/{place}"
        entry = sealed(Draft(rollout, key, kind, phase, "ada@control", str(turn), data), head, at)
        head, at = entry.head, at + timedelta(milliseconds=1)
        yield entry


def fill(connection: Any) -> None:
    """Put all entries and samples into the ledger, past its guards."""
    chains = [chain(LONG, ENTRIES // 2)]
    chains += [chain(f"r{number}", USUAL) for number in range(ENTRIES // 2 // USUAL)]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rollout.entries DISABLE TRIGGER USER")
        for entries in chains:
            while text := "".join(line(entry) for entry in islice(entries, 50_000)):
                cursor.copy_expert("COPY rollout.entries FROM STDIN", io.StringIO(text))
        cursor.execute("ALTER TABLE rollout.entries ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE rollout.entries ENABLE ALWAYS TRIGGER only_grows")
        for month in range(4):
            cursor.execute(f"SELECT rollout.make_month(now() - interval '{30 * month} days')")
        cursor.execute(FILL_SAMPLES)
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")


def line(entry: Entry) -> str:
    """Return an entry as a line of COPY, in the order of the table's columns."""
    columns = [
        *(entry.rollout, entry.sequence, entry.key, entry.kind, entry.phase, entry.step, entry.at),
        *(entry.actor, entry.run, entry.fence, entry.previous, entry.hash, entry.body),
    ]
    return "\t".join(r"\N" if one is None else str(one) for one in columns) + "\n"


def timed(act: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, Any]:
    """Return the median seconds of doing something, and what came of it."""
    seconds, result = [], None
    for _round in range(rounds):
        started = time.perf_counter()
        result = act()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), result


def said(what: str, seconds: float, wanted: float, more: str = "") -> None:
    """Print how long something took."""
    print(f"{what}: {1000 * seconds:.1f} ms, wanted below {1000 * wanted:.0f} ms{more}")


def bench_appends(ledger: Ledger, connection: Any, rollout: str) -> None:
    """Print how long an append takes, and how long a bare INSERT into a table like it."""
    fence = ledger.take_lease(rollout, "ada@control", "bench", 900).lease.fence
    kind, data = PHASE[-1]
    drafts = [
        Draft(rollout, f"bench {number}", kind, "phase-1", "ada@control", "bench", data, fence)
        for number in range(APPENDS)
    ]
    times, entries = [], []
    for draft in drafts:
        seconds, (entry, _is_new) = timed(lambda draft=draft: ledger.append(draft), 1)  # type: ignore[misc]
        times.append(seconds)
        entries.append(entry)
    again = [timed(lambda draft=draft: ledger.append(draft), 1)[0] for draft in drafts]  # type: ignore[misc]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bare (LIKE rollout.entries INCLUDING INDEXES)")
        bare = [
            timed(lambda entry=entry: cursor.execute(bare_insert(), row(entry)), 1)[0]  # type: ignore[misc]
            for entry in entries
        ]
    ratio = statistics.median(times) / statistics.median(bare)
    slow = sorted(times)[int(len(times) * 0.99)]
    more = f"; 99 of 100 below {1000 * slow:.1f} ms; {ratio:.1f} times a bare INSERT"
    said(f"append to {rollout}, under a lease", statistics.median(times), 0.01, more)
    said(f"append the same again to {rollout}", statistics.median(again), 0.01)


def bare_insert() -> str:
    """Return an INSERT into a table without guards."""
    return INSERT.replace("rollout.entries", "bare")


def row(entry: Entry) -> dict[str, Any]:
    """Return an entry as parameters of an INSERT."""
    return {**vars(entry), "step": entry.step, "body": entry.body, "data": None}


def bench_status(ledger: Ledger) -> None:
    """Print how long the questions take that a status asks."""
    for rollout in (LONG, "r0"):
        seconds, steps = timed(lambda rollout=rollout: ledger.latest_steps(rollout))  # type: ignore[misc]
        said(f"latest steps of {rollout} ({len(steps)})", seconds, 0.2)
    kinds = [kind for kind in KINDS if kind != STEP]
    seconds, entries = timed(lambda: ledger.entries("r0", kinds))
    said(f"all of r0 that is no step ({len(entries)} entries)", seconds, 0.2)
    seconds, entries = timed(lambda: ledger.entries("r0", phase="phase-2"))
    said(f"phase 2 of r0 ({len(entries)} entries)", seconds, 0.2)
    since = datetime.now(timezone.utc) - timedelta(hours=72)
    seconds, samples = timed(lambda: ledger.samples("r1", "phase-1", since))
    said(f"samples of 72 h ({len(samples)})", seconds, 0.2)
    said("the lease", timed(lambda: ledger.lease(LONG))[0], 0.2)


def verify_alone(login: Login, rollout: str) -> tuple[int, float, float, float]:
    """Return how many entries were verified, seconds, those of the processor, and most memory."""
    with Ledger.connect(login) as ledger:
        began = time.process_time()
        seconds, result = timed(lambda: ledger.verify(rollout), 1)
        own = time.process_time() - began
    if not result.ok:
        raise SystemExit(result.broken)
    # What getrusage says holds for the process that this one was forked from as well.
    status = Path("/proc/self/status").read_text().split()
    return result.entries, seconds, own, int(status[status.index("VmHWM:") + 1]) / 1024


def bench_verification(login: Login, connection: Any) -> None:
    """Print how fast chains are verified, in a process each, and how fast rows are only read."""
    small, long = (alone(verify_alone, login, rollout) for rollout in ("r1", LONG))
    with connection.cursor() as cursor:
        connection.autocommit = False

        def read() -> None:
            with connection.cursor("bare") as rows:
                rows.itersize = 2000
                rows.execute(STORED, {"rollout": LONG})
                for _row in rows:
                    pass

        bare, _nothing = timed(read, 1)
        cursor.execute("ROLLBACK")
    entries, seconds, own, memory = long
    print(
        f"verify {entries} entries: {entries / seconds:.0f}/s, wanted 50000/s;"
        f" {entries / own:.0f} for each second of processor time;"
        f" {seconds / bare:.1f} times only reading them; {memory:.0f} MB in all,"
        f" {small[3]:.0f} MB for {small[0]} entries"
    )


def alone(act: Callable[..., Any], *args: Any) -> Any:
    """Return what came of doing something in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(act, *args).result()


def bench_export(ledger: Ledger) -> None:
    """Print how fast a chain is exported, and verified offline."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        seconds, result = timed(lambda: export(ledger, LONG, path), 1)
        print(
            f"export {result.entries} entries: {result.entries / seconds:.0f}/s,"
            f" {path.stat().st_size / 1e6:.0f} MB"
        )
        argv: list[Any] = [
            sys.executable,
            "-I",
            "-S",
            VERIFIER,
            path,
            f"{result.head[0]}:{result.head[1]}",
        ]
        seconds, _done = timed(lambda: subprocess.run(argv, check=True, capture_output=True), 1)
        print(f"verify the export offline: {result.entries / seconds:.0f}/s")


def main() -> None:
    """Print one line for each question."""
    with server() as found:
        found.execute(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
        login = Login(found.host, found.port, found.user, found.password, DATABASE)
        connection = psycopg2.connect(**login.libpq())
        with Ledger.connect(login) as ledger:
            seconds, _nothing = timed(lambda: fill(connection), 1)
            print(f"{ENTRIES} entries and {SAMPLES} samples made in {seconds:.0f} s")
            bench_appends(ledger, connection, LONG)
            bench_appends(ledger, connection, "r0")
            bench_status(ledger)
            bench_verification(login, connection)
            bench_export(ledger)
        connection.close()


if __name__ == "__main__":
    main()
