# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is everything there that production needs? Units, scan, tests, documents, behaviour."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.report import CheckError
from tests.validation.echo import advised
from tests.validation.suite import run_suite
from tests.validation.surroundings import ROOT, Surroundings, require, require_status

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = ("tower-anime-production.service", "tower-echo-brain.service")
# systemd-analyze's scale goes from 0 (safe) to 10; both units are well below.
EXPOSURE_ALLOWED = 2.0
METRICS = (
    "tower_generations_total",
    "tower_generation_seconds_count",
    "tower_decisions_total",
    "tower_workflow_captures_total",
    "tower_consultations_total",
    "tower_consultation_seconds_count",
    "tower_quality_score_count",
    "tower_build_info",
)
SCRIPTS = (
    "tests/security/scan.sh",
    "tests/integration/validate_ssot_integration.sh",
    "tests/performance/validate_workflow_analysis.sh",
    "tests/performance/load_test_full_integration.sh",
    "tests/staging/validate_staging_deployment.sh",
    "tests/e2e/complete_workflow_test.sh",
    "tests/production-readiness/validate_all_systems.sh",
)


def run(*command: str) -> str:
    """Return what a command printed, in the tree. Raises CheckError if it fails."""
    environ = {name: value for name, value in os.environ.items() if name != "JUNIT_OUTPUT"}
    ran = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        said = (ran.stdout + ran.stderr).strip()
        raise CheckError(f"{' '.join(command)} ended with {ran.returncode}: {said[-500:]}")
    return ran.stdout + ran.stderr


def units_are_sound(_s: Surroundings) -> str:
    """Let systemd read the units, and require programs that exist."""
    for unit in UNITS:
        text = (ROOT / "systemd" / unit).read_text(encoding="utf-8")
        module = re.search(r"^ExecStart=/usr/bin/python3 -m (\w+)$", text, re.MULTILINE)
        require(module is not None, f"{unit} has no ExecStart of the known form")
        if module is not None:
            program = ROOT / module[1] / "__main__.py"
            require(program.is_file(), f"{unit} starts {module[1]}, which does not exist")
    if shutil.which("systemd-analyze") is None:
        raise CheckError("systemd-analyze is not installed, the units cannot be checked")
    for unit in UNITS:
        threshold = f"--threshold={int(EXPOSURE_ALLOWED * 10)}"
        run("systemd-analyze", "security", "--offline=true", threshold, f"systemd/{unit}")
    return f"{len(UNITS)} units, exposure at most {EXPOSURE_ALLOWED}"


def scan_is_clean(_s: Surroundings) -> str:
    """Run the security scan."""
    return run("tests/security/scan.sh").strip().splitlines()[-1]


def unit_tests_pass(_s: Surroundings) -> str:
    """Run the unit tests, of which there must be some."""
    said = run(
        "/usr/bin/python3", "-B", "-m", "unittest", "discover", "-s", "tests/unit", "-t", "."
    )
    count = re.search(r"Ran (\d+) tests", said)
    require(count is not None and int(count[1]) > 0, f"no test ran: {said[-200:]}")
    return count[0] if count is not None else ""


def everything_is_documented(_s: Surroundings) -> str:
    """Find every route, setting, table, unit and script in the README, the release in the log."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/*.py"))
    migrations = "\n".join(
        path.read_text(encoding="utf-8") for path in ROOT.glob("migrations/versions/*.py")
    )
    wanted = {
        *re.findall(r'"((?:TOWER|ECHO_BRAIN)_[A-Z_]+|DATABASE_URL)"', code),
        *re.findall(r'web\.get\("(/[^"]+)"', code),
        *re.findall(r"CREATE TABLE (\w+)", migrations),
        *UNITS,
        *SCRIPTS,
    }
    missing = sorted(name for name in wanted if name not in readme)
    require(not missing, f"README.md does not mention {', '.join(missing)}")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$", changelog, re.MULTILINE)
    require(versions[:1] == ["2.0.0"], f"the newest entry of CHANGELOG.md is {versions[:1]}")
    return f"{len(wanted)} names"


def scripts_can_be_run(_s: Surroundings) -> None:
    """Require every validation script to be executable and to be sound bash."""
    for script in SCRIPTS:
        require(os.access(ROOT / script, os.X_OK), f"{script} cannot be executed")
        run("bash", "-n", script)


def schema_can_go_all_the_way_back(s: Surroundings) -> None:
    """Take every migration back, one by one, and bring them all again."""
    s.stop()
    steps = len(list((ROOT / "migrations/versions").glob("[0-9]*_*.py")))
    for _ in range(steps):
        s.migrate("downgrade", "-1")
    left = s.cluster.value(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename <> 'alembic_version'"
    )
    require(left == 0, f"{left} tables are left at the very beginning")
    s.migrate("upgrade", "head")
    s.start()
    s.wait_ready()


def figures_are_all_there(s: Surroundings) -> str:
    """Find every figure that gates and dashboards need, from the start."""
    with advised(s):
        for name in METRICS:
            s.metric(name)
        before = s.metric("tower_generations_total")
        require_status(s.generate_many("readiness", 6), 200)
        served = s.metric("tower_generations_total") - before
    require(served == 6, f"tower_generations_total counted {served:g} of 6 generations")
    return f"{len(METRICS)} figures"


def bad_configuration_is_refused(_s: Surroundings) -> None:
    """Start programs with nonsense: each must end at once and say why."""
    for module, setting, value in (
        ("tower", "DATABASE_URL", "nonsense"),
        ("tower", "TOWER_PORT", "nonsense"),
        ("tower", "TOWER_OPTIMISATIONS", "nonsense"),
        ("tower", "TOWER_ECHO_BRAIN_URL", "nonsense"),
        ("tower", "TOWER_ECHO_BRAIN_TIMEOUT_MS", "nonsense"),
        ("echo_brain", "ECHO_BRAIN_PORT", "nonsense"),
    ):
        environ = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://nobody@/nowhere"}
        ran = subprocess.run(
            ["/usr/bin/python3", "-B", "-m", module],
            cwd=ROOT,
            env={**environ, setting: value},
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        said = ran.stderr.strip()
        require(
            ran.returncode == 1 and setting in said and "Traceback" not in said,
            f"{module} with {setting}={value} ended with {ran.returncode}: {said[-300:]}",
        )


CHECKS: list[tuple[str, Callable[[Surroundings], str | None]]] = [
    ("the units are sound and sandboxed", units_are_sound),
    ("the security scan is clean", scan_is_clean),
    ("the unit tests pass", unit_tests_pass),
    ("every name is documented", everything_is_documented),
    ("every script can be run", scripts_can_be_run),
    ("the schema can go all the way back", schema_can_go_all_the_way_back),
    ("every figure is there", figures_are_all_there),
    ("bad configuration is refused", bad_configuration_is_refused),
]


if __name__ == "__main__":
    sys.exit(run_suite("production-readiness", CHECKS))
