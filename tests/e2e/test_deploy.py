# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to bring production to a release, and every way back; the tests run in this order.

Each begins with what the one before left. Production serves the release of before as instance blue
until the last test but one brings the new one to stay.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.phased.rollout.tests.e2e.runs import Play, play
from ansible_collections.phased.rollout.tests.e2e.test_phase1 import traffic
from ansible_collections.phased.rollout.tests.e2e.world import (
    CHECKOUT,
    PRODUCTION,
    health,
    lab,
    on,
    run,
)

UPSTREAM = "/etc/nginx/conf.d/tower-upstream.conf"
FAULTS = "/etc/tower/faults.json"
FACTS = "/etc/ansible/facts.d/rollout.fact"
COLOURS = {"blue": "8000", "green": "8001"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(scope="module")
def phase1(folder: Path) -> Callable[..., Play]:
    """Return a function that runs phase 1 with another way to deploy it."""

    def run_phase(*arguments: str, **deploy: Any) -> Play:
        plan = yaml.safe_load((CHECKOUT / "inventories/lab/group_vars/all/plan.yml").read_text())
        plan["rollout_phases"][0]["deploy"] = deploy
        changed = folder / "plan.json"
        changed.write_text(json.dumps({"rollout_phases": plan["rollout_phases"]}))
        return play("phase1", "-e", f"@{changed}", *arguments)

    return run_phase


@pytest.fixture(scope="module")
def old() -> str:
    return str(health("prod1")["release"])


def git(*arguments: str) -> str:
    return run(["git", *arguments])


def upstream() -> dict[str, str]:
    """Return who gets traffic, as nginx was told: instance to weight."""
    lines = on("lb", f"cat {UPSTREAM}").splitlines()
    servers = [line for line in lines if "weight=" in line and " down;" not in line]
    return {line.rpartition("# ")[2]: re.findall(r"weight=(\d+)", line)[0] for line in servers}


def instance(host: str, colour: str) -> str:
    """Return the release that an instance on a host serves."""
    answer = on(host, f"curl -sf http://127.0.0.1:{COLOURS[colour]}/health")
    return str(json.loads(answer)["release"])


def facts(host: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(on(host, f"cat {FACTS}"))
    return found


@contextmanager
def load(seconds: int) -> Iterator[Callable[[], str]]:
    """Ask production as fast as it answers, each request with a connection of its own."""
    url = yaml.safe_load((CHECKOUT / "inventories/lab/group_vars/all/lab.yml").read_text())
    argv = ["wrk", "-t1", "-c10", f"-d{seconds}s", "--timeout", "10s", "-H", "Connection: close"]
    process = subprocess.Popen(
        [*argv, f"{url['lab_frontend_url']}/health"], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            time.sleep(1)
            yield lambda: process.communicate()[0]
        finally:
            process.terminate()


def assert_unharmed(report: str) -> None:
    """Assert that wrk met no failure: no line of its report tells of one."""
    assert int(re.findall(r"(\d+) requests in", report)[0]) > 500, report
    assert "Socket errors" not in report, report
    assert "Non-2xx" not in report, report


def switched_in(ran: Play) -> float:
    """Return the seconds that the last move of all traffic took, as it was said."""
    return float(re.findall(r"traffic, moved in ([0-9.]+) s", ran.output)[-1])


def test_a_release_that_does_not_start_is_taken_back_everywhere(phase1, old):
    # The release is on prod2 already, as far as its hash tells, and does not run there.
    failed = traffic()["failed"]
    ran = phase1("--tags", "integrate", strategy="rolling", batches=[1, "100%"])
    assert ran.rc == 0, ran.output
    short = re.findall(r"tree ([0-9a-f]{12})", ran.output)[0]
    mirror = CHECKOUT / ".cache/lab/rollout/repository.git"
    tree = git("--git-dir", str(mirror), "rev-parse", short)
    on(
        "prod2",
        f"cd /opt/tower/releases && cp -R {old} {tree} && echo {tree} > {tree}/REVISION"
        f" && echo 'raise SystemExit(3)' > {tree}/tower/__main__.py",
    )
    ran = phase1(strategy="rolling", batches=[1, "100%"])
    assert ran.rc != 0
    assert ran.steps[-1] == "Judge the deployment"
    for said in ("Batch 2", "prod2", "status=3", f"prod1: taken back, it serves {old[:12]} again"):
        assert said in ran.last_lines, ran.output
    for host in PRODUCTION:
        assert health(host)["release"] == old
        assert facts(host)["release"] == old
    assert set(upstream()) == {"prod1-blue", "prod2-blue"}
    assert traffic()["failed"] == failed
    on("prod2", f"rm -r /opt/tower/releases/{tree}")


def test_a_configuration_that_nginx_refuses_leaves_everything_as_it_was(phase1, old):
    before, since = on("lb", f"cat {UPSTREAM}"), on("lb", "pgrep -f 'nginx: worker'")
    broken = {"kind": "nginx", "name": "tower", "path": UPSTREAM, "parameters": "no_such_word=1"}
    ran = phase1("-e", f"'{json.dumps({'rollout_traffic': broken})}'", strategy="rolling")
    assert ran.rc != 0
    for said in ("nginx -t refuses", "no_such_word", "so is the traffic"):
        assert said in ran.last_lines, ran.output
    assert on("lb", f"cat {UPSTREAM}") == before
    assert on("lb", "pgrep -f 'nginx: worker'") == since
    assert [health(host)["release"] for host in PRODUCTION] == [old, old]


def test_a_host_that_is_lost_in_mid_batch_goes_on_serving_and_the_others_go_back(phase1, old):
    # As soon as the link leads elsewhere the host is gone, with every connection to it.
    lost = (
        "while [ $(readlink -f /opt/tower/current) = /opt/tower/releases/" + old + " ];"
        " do sleep 0.1; done; systemctl stop ssh; pkill -KILL sshd"
    )
    on("prod2", f"systemd-run --quiet --collect sh -c '{lost}'")
    ran = phase1(strategy="rolling", batches=[1, "100%"])
    assert ran.rc != 0
    for said in ("prod2", "cannot be reached", "prod1: taken back"):
        assert said in ran.last_lines, ran.output
    assert health("prod1")["release"] == old
    # It still answers the front end as before, so it served while the other one was taken back.
    assert set(upstream()) == {"prod1-blue", "prod2-blue"}
    assert ("Prove", "staging1") not in ran.ran
    lab("kill", "prod2")
    lab("up")


def test_a_gate_that_closes_takes_the_canary_back_to_nothing(phase1, old):
    for host in PRODUCTION:
        on(host, f"echo '{{\"lose_decisions\": 0.9}}' > {FAULTS}")
    ran = phase1(strategy="canary", weights=[50, 100], gate=["decision_capture"])
    for host in PRODUCTION:
        on(host, f"rm {FAULTS}")
    assert ran.rc != 0
    for said in ("green failed", "share-50", "decision_capture", "All traffic is with blue"):
        assert said in ran.last_lines, ran.output
    assert upstream() == {"prod1-blue": "100", "prod2-blue": "100"}
    assert [instance(host, "blue") for host in PRODUCTION] == [old, old]


def test_blue_green_goes_over_and_back_without_a_failed_request(phase1, old):
    failed = traffic()["failed"]
    with load(300) as report:
        ran = phase1(strategy="blue_green", keep_warm="1h")
        there = set(upstream())
        assert there == {"prod1-green", "prod2-green"}, ran.output
        new = instance("prod1", "green")
        assert [facts(host)["release"] for host in PRODUCTION] == [new, new]
        back = play("switch", "-e", "colour=blue")
        assert back.rc == 0, back.output
        assert set(upstream()) == {"prod1-blue", "prod2-blue"}
    assert [facts(host)["release"] for host in PRODUCTION] == [old, old]
    assert new != old
    assert switched_in(ran) < 2
    assert switched_in(back) < 2
    assert_unharmed(report())
    assert traffic()["failed"] == failed
