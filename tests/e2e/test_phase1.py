# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phase 1 of the Tower plan, from branch to production; the tests run in this order."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.e2e.runs import play
from ansible_collections.phased.rollout.tests.e2e.world import (
    FEATURE,
    PRODUCTION,
    TAG,
    History,
    health,
    on,
    refs,
    snapshot,
    sql,
)

SMOKE = "SELECT count(*) FROM generation_decisions WHERE project_id = 'phase1-prod-test'"


def assert_released(folder: Path) -> str:
    """Assert that the remote's history is that of a released phase 1; return the tree."""
    history, heads = History(folder), refs()
    release = heads["refs/heads/main"]
    before, candidate = history.git("show", "-s", "--format=%P", release).split()
    assert history.git("cat-file", "-t", TAG) == "tag", "the tag is annotated"
    assert heads[f"refs/tags/{TAG}^{{}}"] == release, "the tag names the head of main"
    assert heads["refs/heads/development"] == candidate, "what was validated is what was released"
    tree = history.git("rev-parse", f"{release}^{{tree}}")
    assert history.git("rev-parse", f"{candidate}^{{tree}}") == tree, "the tested tree shipped"
    assert f"Tested-tree: {tree}" in history.git("show", "-s", "--format=%B", release)
    tip = heads[f"refs/heads/{FEATURE}"]
    assert tip in history.git("rev-list", release).splitlines(), "the feature branch is in main"
    assert history.git("show", "-s", "--format=%P", candidate).split()[1:] == [tip], "--no-ff"
    assert history.git("show", "-s", "--format=%P", before) != "", "main goes on from what it was"
    return tree


def assert_deployed(tree: str) -> None:
    """Assert that both production hosts serve the tree, from its own release folder."""
    for host in PRODUCTION:
        assert health(host)["release"] == tree, f"{host} serves the released tree"
        assert on(host, "readlink -f /opt/tower/current") == f"/opt/tower/releases/{tree}"


def assert_proven() -> None:
    """Assert that exactly one smoke request of the run is in the decision table."""
    assert sql(SMOKE) == "1", "the smoke request left its decision"


def serve(host: str, tree: str) -> None:
    """Switch a host to a release by hand, and wait until it answers."""
    restart = "systemctl restart tower-anime-production"
    on(host, f"ln -sfn releases/{tree} /opt/tower/current && {restart}")
    for _attempt in range(20):
        with contextlib.suppress(OSError):
            health(host)
            return
        time.sleep(0.5)


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    return snapshot()


def traffic() -> dict[str, Any]:
    """Return what the users of production have met since the lab started."""
    report = json.loads(on("monitor", "cat /var/lib/tower-traffic/report.json"))
    found: dict[str, Any] = report["targets"]["production"]
    return found


@pytest.fixture(scope="module")
def traffic_before() -> dict[str, Any]:
    return traffic()


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> str:
    return assert_released(tmp_path_factory.mktemp("history") / "tower.git")


def test_a_dry_run_goes_through_the_whole_recipe_and_touches_nothing(before):
    run = play("phase1", "--check")
    assert run.rc == 0, run.output
    assert run.steps[-2:] == ["Exit gate", "End"]
    assert snapshot() == before


def test_the_gates_alone_are_measured_and_touch_nothing(before):
    run = play("phase1", "--tags", "gate")
    assert run.rc == 0, run.output
    assert "generation_success" in run.output
    assert snapshot() == before


def test_skipping_the_gates_does_not_get_past_them(before):
    run = play("phase1", "--skip-tags", "gate,stage")
    assert run.rc != 0
    assert refs()["refs/heads/main"] == before["ref refs/heads/main"]


def test_the_phase_runs_to_its_end(traffic_before):
    run = play("phase1")
    assert run.rc == 0, run.output
    assert run.steps[-2:] == ["Exit gate", "End"]


def test_the_remote_has_the_release(released):
    assert released


def test_both_production_hosts_serve_it(released):
    assert_deployed(released)


def test_the_smoke_request_is_in_the_decision_table():
    assert_proven()


def test_the_backup_was_taken_before_the_schema_changed():
    folder = "/var/backups/rollout/pre-phase-1-deployment"
    manifest = json.loads(on("db", f"cat {folder}/manifest.json"))
    assert manifest["database"] == "tower_consolidated"
    listed = on("db", f"/usr/lib/postgresql/15/bin/pg_restore --list {folder}/dump")
    assert "TABLE DATA public generations " in listed
    assert "generation_decisions" not in listed


def test_no_request_of_the_users_failed(traffic_before):
    now = traffic()
    assert now["sent"] > traffic_before["sent"] + 100
    assert now["failed"] == traffic_before["failed"], now


def test_a_second_run_changes_nothing(released):
    heads = refs()
    run = play("phase1")
    assert run.rc == 0, run.output
    assert run.changes == []
    assert refs() == heads
    assert_deployed(released)
    assert_proven()


def test_staging_alone_can_be_asked_for():
    run = play("phase1", "--tags", "stage")
    assert run.rc == 0, run.output
    assert run.worked[-2:] == ["Validate staging", "End"]


# The assertions above are worth something only if they fail when what they look at is wrong.


def test_the_assertions_see_a_moved_tag(tmp_path):
    move = f"update-ref refs/tags/{TAG} refs/heads/main~1"
    on("forge", f"runuser -u git -- git -C /srv/git/tower.git {move}")
    with pytest.raises(AssertionError):
        assert_released(tmp_path / "tower.git")


@pytest.mark.parametrize("host", PRODUCTION)
def test_the_assertions_see_a_host_with_another_release(released, host):
    other = on(host, f"ls /opt/tower/releases | grep -v {released} | head -1")
    serve(host, other)
    with pytest.raises(AssertionError, match=host):
        assert_deployed(released)
    serve(host, released)
    assert_deployed(released)


def test_the_assertions_see_a_decision_that_is_not_there():
    sql("DELETE FROM generation_decisions WHERE project_id = 'phase1-prod-test'")
    with pytest.raises(AssertionError):
        assert_proven()
