# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups during which something breaks: live data stays, and nothing looks like a backup."""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from ansible_collections.phased.rollout.tests.integration.backer import (
    ROWS,
    Halting,
    Source,
    as_a_user,
    drop,
    environment,
    new_source,
)
from ansible_collections.phased.rollout.tests.integration.conftest import (
    MODULES,
    Postgresql,
    free_port,
    hand_over,
    scratch_folder,
    started,
    unprivileged,
)
from ansible_collections.phased.rollout.tests.integration.restorer import Cluster, own_cluster

#: A table that takes long to restore, and only to restore: a check of it sleeps elsewhere.
SLOW = """
CREATE TABLE slowly (a int CHECK (
  CASE WHEN current_database() LIKE '%\\_scratch\\_%' THEN pg_sleep(600) IS NOT NULL
       ELSE true END));
INSERT INTO slowly VALUES (1)
"""
#: A table that pg_dump waits for, but not who sums: it has no rows of its own.
PARENT = "CREATE TABLE parent (a int) PARTITION BY LIST (a)"
#: Of the steps of a backup, those after which the world is another one, or may be.
CHANGES = re.compile(
    r"os\.|shutil\.|started (?!psql|.* --version)|in \S+: "
    r"(CREATE|COMMENT|ALTER|DROP|LOCK|BEGIN ISO|SELECT pg_export)"
)
Process = subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster() as made:
        yield made


@pytest.fixture
def source(cluster: Cluster, tmp_path: Path) -> Iterator[Source]:
    made = new_source(cluster.server, tmp_path)
    yield made
    drop(made)


@pytest.fixture
def halting(source: Source, tmp_path: Path) -> Halting:
    (tmp_path / "halting").mkdir()
    return Halting(source, tmp_path / "halting")


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def finish(source: Source, label: str = "one") -> None:
    """Take the backup after all, and make sure that all traces of what went wrong are gone."""
    result = source.back_up(label)
    assert "backup" in result, result["msg"]
    assert result["backup"]["proven"]
    assert label in source.backups()
    assert source.left() == []
    assert source.rows() == ROWS


def test_killed_at_any_step_it_is_as_if_it_had_never_run_or_was_done(halting: Halting) -> None:
    source = halting.source
    options: dict[str, Any] = {
        "invariants": {"a": "SELECT true"},
        "retention": {"count": 1},
    }
    source.back_up("old", proof="list")
    assert halting.run(label="k00", **options)["expired"] == ["old"]
    steps = [step for step in halting.steps() if CHANGES.match(step)]
    assert len(steps) > 20
    for number, step in enumerate(steps, start=1):
        before, label = source.backups(), f"k{number:02}"
        here = step.replace("k00", label).replace("old", f"k{number - 1:02}")
        assert halting.run(here, Process.kill, label=label, **options) == {}
        wait_until(lambda: source.programs() == 0)
        assert source.rows() == ROWS
        assert set(source.backups()) <= {*before, label}, step
        assert source.backups(), step
        finish(source, label)


@pytest.mark.parametrize(
    "step", ["started pg_dump -Fd", "in app: LOCK", "started pg_restore -j", "in app_scratch: DROP"]
)
def test_what_a_killed_run_left_is_gone_after_another_label(halting: Halting, step: str) -> None:
    source = halting.source
    halting.run()
    patterns = [re.escape(part).replace("app", r"\S*") for part in step.split("_scratch")]
    step = next(name for name in halting.steps() if re.match("".join(patterns), name))
    halting.run(step.replace("one", "two"), Process.kill, label="two")
    finish(source, "three")


@contextmanager
def locked_table(source: Source) -> Iterator[None]:
    """Keep the dump waiting for a table while the block runs."""
    source.execute(PARENT)
    holder = psycopg2.connect(source.server.dsn_of(source.name))
    holder.cursor().execute("LOCK TABLE parent IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        holder.close()


def waiting(source: Source, event: str) -> list[int]:
    """Return the processes of the server that wait for a lock, or sleep."""
    query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = %r AND state = 'active'"
    return [pid for (pid,) in source.server.execute(query % event)]


def test_killed_while_it_dumps_it_leaves_no_program_behind(halting: Halting) -> None:
    source = halting.source
    with locked_table(source):

        def kill(process: Process) -> None:
            wait_until(lambda: waiting(source, "Lock"))
            process.kill()
            wait_until(lambda: source.programs() == 0)

        halting.run(happens=kill, jobs=2)
        assert source.backups() == []
    finish(source)


def test_killed_while_it_restores_it_leaves_no_program_behind(halting: Halting) -> None:
    source = halting.source
    source.execute(SLOW)

    def kill(process: Process) -> None:
        wait_until(lambda: waiting(source, "Timeout"))
        process.kill()
        wait_until(lambda: source.programs() == 0)

    halting.run(happens=kill, jobs=2)
    assert source.backups() == []
    source.execute("DROP TABLE slowly")
    finish(source)


def crash(cluster: Cluster) -> None:
    cluster.restart()


def restart(cluster: Cluster) -> None:
    cluster.stop(signal.SIGINT)
    cluster.start()


@pytest.mark.parametrize("happens", [crash, restart], ids=["crashes", "is restarted"])
@pytest.mark.parametrize(
    "during",
    [
        pytest.param(r"started pg_dump -Fd", id="while it dumps"),
        pytest.param(r"in app\w+: SELECT count\(\*\) AS rows", id="while it sums"),
        pytest.param(r"in postgres: CREATE DATABASE", id="before it makes the scratch database"),
        pytest.param(r"started pg_restore -j", id="while it restores"),
        pytest.param(r"in app\w+_scratch\S+: SELECT count\(\*\) AS rows", id="while it compares"),
    ],
)
def test_the_server_goes_down(
    cluster: Cluster, halting: Halting, happens: Callable[[Cluster], None], during: str
) -> None:
    source = halting.source
    halting.run(label="two")
    step = next(name for name in halting.steps() if re.match(during, name))
    result = halting.run(step.replace("two", "one"), lambda _process: happens(cluster))
    assert result.get("failed"), result
    assert re.search(
        "terminat|server closed|connection to server was lost|refused|is starting up|shutting down",
        result["msg"],
    )
    assert source.backups() == ["two"]
    finish(source)


def test_the_server_goes_down_when_all_is_compared(cluster: Cluster, halting: Halting) -> None:
    halting.run(label="two")
    (step,) = [name for name in halting.steps() if "DROP DATABASE" in name]
    result = halting.run(step.replace("two", "one"), lambda _process: crash(cluster))
    assert result["backup"]["proven"]
    assert halting.source.left() == []


def terminate(source: Source, pids: list[int]) -> None:
    assert pids
    for pid in pids:
        source.server.execute(f"SELECT pg_terminate_backend({pid})")


def test_the_connection_of_the_dump_is_cut(halting: Halting) -> None:
    source = halting.source
    with locked_table(source):

        def cut(_process: Process) -> None:
            wait_until(lambda: waiting(source, "Lock"))
            terminate(source, waiting(source, "Lock"))

        result = halting.run(happens=cut)
    assert re.search("pg_dump failed .*terminating connection", result["msg"], re.DOTALL)
    assert (source.backups(), source.left()) == ([], [])
    finish(source)


def test_the_dump_does_not_wait_for_a_lock_for_long(source: Source) -> None:
    with locked_table(source):
        assert "pg_dump failed" in source.refused()
    assert (source.backups(), source.left()) == ([], [])
    finish(source)


def test_the_connection_of_the_restore_is_cut(halting: Halting) -> None:
    source = halting.source
    source.execute(SLOW)

    def cut(_process: Process) -> None:
        wait_until(lambda: waiting(source, "Timeout"))
        terminate(source, waiting(source, "Timeout"))

    result = halting.run(happens=cut)
    assert "pg_restore failed" in result["msg"]
    assert (source.backups(), source.left()) == ([], [])
    source.execute("DROP TABLE slowly")
    finish(source)


def test_the_connection_of_the_sums_is_cut(halting: Halting) -> None:
    source = halting.source
    halting.run(label="two")
    step = next(name for name in halting.steps() if "count(*) AS rows" in name)

    def cut(_process: Process) -> None:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE xact_start IS NOT NULL AND state LIKE 'idle%'"
        )
        terminate(source, [pid for (pid,) in source.server.execute(query)])

    result = halting.run(step, cut)
    # Whoever is asked first says it: a session of the sums, or pg_dump that shares their snapshot.
    assert re.search("terminating connection|invalid snapshot", result["msg"]), result
    assert (source.backups(), source.left()) == (["two"], [])
    finish(source)


def test_a_table_is_dropped_just_before_it_is_locked(halting: Halting) -> None:
    source = halting.source
    source.execute("CREATE TABLE short_lived (a int)")
    halting.run(label="two")
    (step,) = [name for name in halting.steps() if "LOCK TABLE" in name]

    def drop_it(_process: Process) -> None:
        source.execute("DROP TABLE short_lived")

    result = halting.run(step, drop_it)
    assert result["backup"]["proven"]
    assert "public.short_lived" not in result["backup"]["tables"]


def test_a_table_is_emptied_just_before_it_is_locked(halting: Halting) -> None:
    # The snapshot is older than that, but no longer sees the rows.
    source = halting.source
    source.execute("CREATE TABLE emptied AS SELECT generate_series(1, 100) AS a")
    halting.run(label="two")
    (step,) = [name for name in halting.steps() if "LOCK TABLE" in name]

    def empty_it(_process: Process) -> None:
        source.execute("TRUNCATE emptied")

    result = halting.run(step, empty_it)
    assert result["backup"]["proven"]
    assert result["backup"]["tables"]["public.emptied"]["rows"] == 0


def test_the_restored_rows_are_not_those_that_were_dumped(halting: Halting) -> None:
    source = halting.source
    halting.run(label="two")
    step = next(
        name for name in halting.steps() if re.match(r"in app\w+_scratch\S+: SELECT c.oid", name)
    )

    def change(_process: Process) -> None:
        source.server.execute(
            "UPDATE generations SET kind = 'video' WHERE id = 7", f"{source.name}_scratch_proof_one"
        )

    result = halting.run(step.replace("two", "one"), change)
    assert (
        "the restored one does not hold what was backed up: public.generations has the right"
        f" number of rows ({ROWS}), but not all the same"
    ) in result["msg"]
    assert (source.backups(), source.left()) == (["two"], [])


def test_a_database_that_is_not_ours_is_not_dropped(source: Source) -> None:
    name = f"{source.name}_scratch_proof_one"
    source.server.execute(f"CREATE DATABASE {name}")
    try:
        assert "was not made by a backup or restore; it is left alone" in source.refused()
        assert source.backups() == []
        assert source.left() == [name]
    finally:
        source.server.execute(f"DROP DATABASE {name}")


NOISE = "INSERT INTO noise SELECT gen_random_bytes(1000) FROM generate_series(1, {})"


def noisy(source: Source, kilobytes: int) -> None:
    """Let the database hold something that cannot be compressed."""
    source.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto; CREATE TABLE noise (a bytea)")
    for rest in range(kilobytes, 0, -1000):
        source.execute(NOISE.format(min(rest, 1000)))


def in_small_directory(source: Source, size: str, **options: Any) -> tuple[str, list[str]]:
    """Return why a backup failed in a directory of some size, and what it left there."""
    given = {"ANSIBLE_MODULE_ARGS": source.login(label="one", **options)}
    shell = (
        f'cp -a "$0" "$0.kept"; mount -t tmpfs -o size={size} tmpfs "$0"; cp -a "$0.kept/." "$0";'
        f' "$1" -m {MODULES}.pg_backup; ls -A "$0"'
    )
    done = subprocess.run(
        [
            *("unshare", "--mount", "--user", "--map-root-user"),
            *("sh", "-c", shell, source.directory, sys.executable),
        ],
        input=json.dumps(given),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    result, *left = done.stdout.strip().splitlines()
    return json.loads(result)["msg"], left


def test_the_disk_is_too_small_for_the_dump(source: Source) -> None:
    message, left = in_small_directory(source, "3m")
    assert re.search(r"has 3\.\d MB free, but the dump may need 7\.\d MB: free some space", message)
    assert left == []


def test_the_disk_is_too_small_for_the_cluster(source: Source, tmp_path: Path) -> None:
    message, left = in_small_directory(source, "100m", proof="cluster")
    assert re.search(r"the dump and the cluster that proves it may need 1\.\d GB", message)
    assert left == []


def test_the_disk_gets_full_while_it_dumps(source: Source) -> None:
    source.back_up("before", proof="list")
    noisy(source, 4000)
    message, left = in_small_directory(source, "1m")
    assert re.search("pg_dump failed .*No space left on device", message, re.DOTALL)
    assert left == ["before"]
    assert source.rows() == ROWS


def answers(server: Postgresql) -> bool:
    with suppress(psycopg2.OperationalError):
        psycopg2.connect(server.dsn, connect_timeout=2).close()
        return True
    return False


@contextmanager
def small_server(size: str) -> Iterator[Postgresql]:
    """Run a server whose data, but not its WAL, are on a file system of some size."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1].parent
    server = Postgresql("127.0.0.1", free_port(), "rollout_test", secrets.token_hex(8))
    shell = (
        f'mount -t tmpfs -o size={size} tmpfs "$0/data"; cd "$0"; exec unshare --user'
        " --map-user=nobody --map-group=nogroup sh -ec '"
        f"{programs}/initdb -D data -X $0/wal -U {server.user} --pwfile=password -A scram-sha-256"
        f" --locale=C --no-sync; exec {programs}/postgres -D data -p {server.port} -k $0"
        """ --listen_addresses=127.0.0.1 --fsync=off' "$0" """
    )
    with scratch_folder() as folder:
        (folder / "data").mkdir()
        (folder / "password").write_text(server.password)
        hand_over(folder / "data")
        hand_over(folder / "password")
        argv = ["unshare", "--mount", "--user", "--map-root-user", "sh", "-ec", shell, folder]
        with started(argv, log=folder / "log", ready=lambda: answers(server)):
            yield server


def test_the_disk_gets_full_while_it_proves(tmp_path: Path) -> None:
    with small_server("64m") as server:
        source = new_source(server, tmp_path)
        noisy(source, 20_000)
        message = source.refused()
        assert re.search("pg_restore failed .*No space left on device", message, re.DOTALL)
        assert (source.backups(), source.left(), source.rows()) == ([], [], ROWS)
        assert source.back_up(proof="list")["changed"]


@contextmanager
def standby_of(cluster: Cluster) -> Iterator[Postgresql]:
    """Run a server that follows another one."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1].parent
    server = replace(cluster.server, port=free_port())
    origin = f"host={server.host} port={cluster.server.port} user={server.user}"
    with scratch_folder() as folder:
        data = folder / "data"
        copy = ["pg_basebackup", "-D", str(data), "-R", "-c", "fast", "--no-sync", "-d"]
        subprocess.run([*unprivileged(), *copy, f"{origin} password={server.password}"], check=True)
        argv = [programs / "postgres", "-D", data, "-p", server.port, "-k", folder, "--fsync=off"]
        with started(
            [*map(str, argv), "--listen_addresses=127.0.0.1"],
            log=folder / "log",
            ready=lambda: answers(server),
        ):
            yield server


def test_a_standby_is_backed_up_and_proven_in_a_cluster(cluster: Cluster, source: Source) -> None:
    with standby_of(cluster) as standby:
        there = Source(standby, source.name, source.directory)
        wait_until(lambda: there.rows() == ROWS)
        assert re.search("is a standby, .* use proof: cluster", there.refused())
        result = there.back_up(proof="cluster", before=as_a_user())
        assert "backup" in result, result["msg"]
        assert result["backup"]["proven"]


def test_a_password_is_in_no_argument_of_a_program(halting: Halting) -> None:
    assert halting.run(jobs=2)["backup"]["proven"]
    started = (halting.folder / "argv").read_text()
    assert all(f"bin/{name}" in started for name in ("psql", "pg_dump", "pg_restore", "pg_dumpall"))
    assert halting.source.server.password not in started


def command_lines() -> set[bytes]:
    """Return what everybody can see of all programs that are running."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.add((folder / "cmdline").read_bytes())
        except OSError:
            continue
    return found


def test_a_password_is_nowhere_to_be_seen(source: Source, tmp_path: Path) -> None:
    secret = source.server.password
    options = source.login(label="one", invariants={"a": "SELECT pg_sleep(1) IS NOT NULL"})
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [{"phased.rollout.pg_backup": options}],
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    program = Path(sys.executable).with_name("ansible-playbook")
    collections = Path(__file__).resolve().parents[2] / ".collections"
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [program, "-vvv", tmp_path / "play.yml"],
            env={**environment(), "ANSIBLE_COLLECTIONS_PATH": str(collections), "COLUMNS": "80"},
            stdout=output,
            stderr=output,
        )
        seen: set[bytes] = set()
        while process.poll() is None:
            seen |= command_lines()
            time.sleep(0.002)
    assert process.returncode == 0, (tmp_path / "output").read_text()
    programs = ("psql", "pg_dump", "pg_restore", "pg_dumpall")
    assert {name for name in programs if any(f"bin/{name}\0".encode() in line for line in seen)}
    assert not [line for line in seen if secret.encode() in line]
    written = [tmp_path / "output", *source.directory.rglob("*")]
    assert not [path for path in written if path.is_file() and secret.encode() in path.read_bytes()]
    assert (source.directory / "one" / "manifest.json").is_file()
