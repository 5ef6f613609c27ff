# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab keeps its promises: hosts, rights, load, and getting up again after it was hurt."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
LAB = CHECKOUT / "tests" / "lab" / "lab"
STATE = CHECKOUT / ".cache" / "lab"
VARIABLES = CHECKOUT / "inventories" / "lab" / "group_vars" / "all" / "lab.yml"
HOSTS = ("forge", "db", "staging1", "prod1", "prod2", "lb", "monitor", "vault")
TOWER_DATABASES = ("tower_staging", "tower_consolidated")
BRANCHES = {
    "main",
    "development",
    "feature/phase1-ssot-bridge-implementation",
    "feature/phase2-comfyui-workflow-persistence",
    "feature/phase3-echo-brain-integration",
}


def lab(*arguments: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    argv = [str(LAB), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=check, **options)


def on(host: str, command: str) -> str:
    return lab("ssh", host, command).stdout.strip()


def variables() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(VARIABLES.read_text())
    return loaded


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


def generate(url: str) -> int:
    request = urllib.request.Request(
        f"{url}/api/anime/generate/upscale",
        data=json.dumps({"prompt": "a tower", "project_id": "test-lab"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        status: int = answer.status
        return status


def traffic() -> dict[str, Any]:
    report = json.loads(on("monitor", "cat /var/lib/tower-traffic/report.json"))
    targets: dict[str, Any] = report["targets"]
    return targets


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GIT_SSH_COMMAND": f"ssh -F {STATE / 'ssh_config'}"}
    argv = ["git", *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True)


def sql(role: str, database: str, statement: str) -> list[Any]:
    login = psycopg2.connect(
        host="127.0.0.1",
        port=variables()["lab_postgresql_port"],
        user=role,
        password=variables()["lab_secrets"].get(role, "guess"),
        dbname=database,
        connect_timeout=5,
    )
    with closing(login), login, login.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def lab_ports() -> dict[str, int]:
    """Return the ssh port of each host, as ssh itself understands the configuration."""
    argv = ["ssh", "-F", str(STATE / "ssh_config"), "-G"]
    found = {}
    for host in HOSTS:
        shown = subprocess.run([*argv, host], capture_output=True, text=True, check=True).stdout
        found[host] = int(shown.partition("\nport ")[2].split()[0])
    return found


def container_ids() -> dict[str, str]:
    return {
        host: podman("inspect", "--format", "{{.Id}}", name)
        for host, name in variables()["lab_containers"].items()
    }


def podman(*arguments: str) -> str:
    env = dict(os.environ)
    if (own := CHECKOUT / ".cache" / "lab-containers.conf").exists():
        env.setdefault("CONTAINERS_CONF", str(own))
    argv = ["podman", *arguments]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def _running_lab() -> Iterator[None]:
    lab("up")
    yield
    lab("up")


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_runs_systemd_and_lets_ansible_in(host: str) -> None:
    answer = on(
        host, "hostname; cat /proc/1/comm; systemctl is-system-running; sudo id -un; id -un"
    )
    assert answer.split() == [host, "systemd", "running", "root", "rollout"]


def test_a_stranger_is_not_let_in() -> None:
    for user in ("root", "postgres"):
        argv = ["ssh", "-F", str(STATE / "ssh_config"), f"{user}@db", "true"]
        assert subprocess.run(argv, capture_output=True, check=False).returncode == 255


def test_secrets_are_readable_by_their_owner_alone() -> None:
    assert STATE.stat().st_mode & 0o777 == 0o700
    assert VARIABLES.stat().st_mode & 0o777 == 0o600
    modes = on("prod1", "sudo stat -c '%a %U:%G' /etc/tower/tower.env /etc/tower/migrate.env")
    assert modes.splitlines() == ["640 root:tower", "600 root:root"]


def test_forge_serves_all_branches_and_no_shell(tmp_path: Path) -> None:
    refs = git("ls-remote", "--heads", "ssh://git@forge/srv/git/tower.git").stdout.split()[1::2]
    assert {ref.removeprefix("refs/heads/") for ref in refs} >= BRANCHES
    git("clone", "--quiet", "ssh://git@forge/srv/git/tower.git", str(tmp_path / "tower"))
    argv = ["ssh", "-F", str(STATE / "ssh_config"), "git@forge", "id"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("database", TOWER_DATABASES)
def test_the_application_reads_and_writes_rows_only(database: str) -> None:
    sql(
        "tower_app",
        database,
        "INSERT INTO generations (generation_id, kind, prompt, project_id, release, succeeded)"
        " VALUES (gen_random_uuid(), 'image', '', 'test-lab', '', true);"
        " DELETE FROM generations WHERE project_id = 'test-lab'",
    )
    for statement in (
        "CREATE TABLE mine (id int)",
        "ALTER TABLE generations ADD COLUMN mine int",
        "DROP TABLE generations",
        "CREATE TEMPORARY TABLE mine (id int)",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            sql("tower_app", database, statement)


@pytest.mark.parametrize("database", TOWER_DATABASES)
def test_the_reader_reads_only_even_when_it_tries_to_write(database: str) -> None:
    assert sql("rollout_reader", database, "SELECT count(*) FROM generations")[0][0] >= 0
    assert sql("rollout_reader", database, "SELECT pg_has_role('pg_monitor', 'member')") == [
        (True,)
    ]
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        sql("rollout_reader", database, "DELETE FROM generations")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        sql("rollout_reader", database, "SET TRANSACTION READ WRITE; DELETE FROM generations")


@pytest.mark.parametrize("database", TOWER_DATABASES)
def test_a_new_table_is_at_once_usable_by_those_who_may(database: str) -> None:
    sql("tower_owner", database, "CREATE TABLE lab_probe (id int)")
    try:
        sql("tower_app", database, "INSERT INTO lab_probe VALUES (1)")
        assert sql("rollout_reader", database, "SELECT id FROM lab_probe") == [(1,)]
    finally:
        sql("tower_owner", database, "DROP TABLE lab_probe")


def test_the_ledger_and_the_application_do_not_see_each_other() -> None:
    sql("rollout_ledger", "rollout", "CREATE SCHEMA lab_probe; DROP SCHEMA lab_probe")
    forbidden = [("rollout_ledger", database) for database in TOWER_DATABASES]
    forbidden += [(role, "rollout") for role in ("tower_owner", "tower_app", "rollout_reader")]
    for role, database in forbidden:
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            sql(role, database, "SELECT 1")


def test_the_superuser_does_not_come_over_the_network() -> None:
    with pytest.raises(psycopg2.OperationalError, match="rejects connection"):
        sql("postgres", "postgres", "SELECT 1")


def test_what_the_database_writes_arrives_in_the_vault() -> None:
    """A WAL file is archived by pgBackRest, and both ends find the other one's part right."""
    on("db", "sudo -u postgres pgbackrest --stanza=main check")
    on("vault", "sudo -u pgbackrest pgbackrest --stanza=main check")


def test_the_database_host_copies_backups_to_the_vault() -> None:
    on("db", "sudo -u postgres rsync /etc/hostname backup-copy@vault:lab-probe")
    assert on("vault", "sudo cat /srv/backups/lab-probe; sudo rm /srv/backups/lab-probe") == "db"


@pytest.mark.parametrize(
    ("host", "user", "target"),
    [("db", "postgres", "pgbackrest@vault"), ("vault", "pgbackrest", "postgres@db")],
)
def test_the_keys_of_pgbackrest_run_nothing_but_pgbackrest(
    host: str, user: str, target: str
) -> None:
    done = lab("ssh", host, f"sudo -u {user} ssh {target} touch /tmp/lab-probe", check=False)
    assert "invalid command" in done.stdout + done.stderr
    assert done.returncode != 0
    forwarded = lab("ssh", host, f"sudo -u {user} ssh -W localhost:22 {target}", check=False)
    assert "administratively prohibited" in forwarded.stderr


def test_prometheus_reaches_every_target_under_its_host_name() -> None:
    targets = get(f"{variables()['lab_prometheus_url']}/api/v1/targets")["data"]["activeTargets"]
    labels = {(t["labels"]["job"], t["labels"]["host"]) for t in targets if t["health"] == "up"}
    towers = {("tower", host) for host in ("staging1", "prod1", "prod2")}
    assert labels == towers | {("node", host) for host in HOSTS}


def test_load_runs_on_production_and_staging() -> None:
    before = traffic()
    time.sleep(2.5)
    gained = {
        name: target["answers"]["200"] - before[name]["answers"].get("200", 0)
        for name, target in traffic().items()
    }
    assert gained["production"] >= 8
    assert gained["staging"] >= 1


def test_no_request_is_lost_while_production_restarts_host_by_host() -> None:
    url = variables()["lab_frontend_url"]
    restart = (
        f'for host in prod1 prod2; do "{LAB}" ssh $host '
        "'sudo systemctl restart tower-anime-production'; done"
    )
    before = traffic()["production"]["failed"]
    with subprocess.Popen(["sh", "-c", restart]) as running:
        statuses = [generate(url)]
        while running.poll() is None:
            statuses.append(generate(url))
        statuses += [generate(url) for _more in range(10)]
    assert running.returncode == 0
    assert set(statuses) == {200}
    assert traffic()["production"]["failed"] == before


def test_up_leaves_a_healthy_lab_alone() -> None:
    before = container_ids()
    started = time.monotonic()
    lab("up")
    assert time.monotonic() - started < 4
    assert container_ids() == before


def test_a_killed_host_wakes_with_its_data_even_if_two_ask_for_it() -> None:
    before = container_ids()
    on("forge", "touch /home/rollout/kept")
    lab("kill", "forge")
    assert lab("status", check=False).returncode == 1
    twice = [subprocess.Popen([str(LAB), "up"]) for _each in range(2)]
    assert [up.wait(timeout=60) for up in twice] == [0, 0]
    assert on("forge", "ls /home/rollout/kept; rm /home/rollout/kept") == "/home/rollout/kept"
    assert container_ids() == before


def test_a_lab_that_lost_a_host_its_keys_and_a_port_is_made_anew() -> None:
    before = variables()
    ports = lab_ports()
    podman("rm", "-f", "-t", "0", before["lab_containers"]["prod2"])
    shutil.rmtree(STATE)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", ports["prod2"]))
        squatter.listen()
        lab("up")
    assert lab_ports()["prod2"] != ports["prod2"]
    assert on("prod2", "systemctl is-active tower-anime-production") == "active"
    assert not set(variables()["lab_secrets"].values()) & set(before["lab_secrets"].values())
    assert sql("tower_app", "tower_staging", "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("broken", "wanted"),
    [
        pytest.param("path", "podman", id="podman is not installed"),
        pytest.param("limit", "limit on open files", id="the limit on open files is too low"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_so_in_one_line(broken: str, wanted: str) -> None:
    def lower_limit() -> None:
        if broken == "limit":
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    env = {"PATH": "/nonexistent" if broken == "path" else os.environ["PATH"]}
    argv = [sys.executable, "-m", "lablib", "up"]
    done = subprocess.run(
        argv,
        cwd=LAB.parent,
        env=env,
        preexec_fn=lower_limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert wanted in done.stderr
    assert done.stderr.count("\n") == 1
