# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates what is deployed on staging, over HTTP only, as its clients see it.

STAGING_URL: where it listens, by default http://127.0.0.1:8000.
EXPECTED_RELEASE: the release that must run there; by default what REVISION in this tree says.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.report import Report, stop
from tests.validation.metrics import parse_metric
from tests.validation.process import request
from tests.validation.surroundings import (
    KINDS,
    ROOT,
    Answer,
    require,
    require_status,
    require_usual_time,
)

UNIT = "tower-anime-production.service"
NOMINAL_SECONDS = {"image": 0.150, "video": 0.250, "upscale": 0.100}
COUNTERS = ("tower_decisions_total", "tower_workflow_captures_total")
ROUNDS = 5


class Staging:
    """The deployment under test."""

    def __init__(self, url: str, release: str) -> None:
        """Raises ValueError if url names no host that listens on HTTP."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"STAGING_URL must be like http://host:port, got {url!r}")
        self.host = parts.hostname
        self.port = parts.port or 80
        self.release = release

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and body of a GET."""
        return request(self.port, "GET", path, host=self.host)

    def generate(self, kind: str) -> Answer:
        """Return the answer to one request to generate."""
        started = time.monotonic()
        body = {"prompt": "staging validation", "project_id": "staging-validation"}
        path = f"/api/anime/generate/{kind}"
        status, answer = request(self.port, "POST", path, body, host=self.host)
        return Answer(kind, status, answer, time.monotonic() - started)

    def is_this_host(self) -> bool:
        """Return whether its units are the ones of this host."""
        systemd = Path("/run/systemd/system").is_dir()
        return self.host in {"127.0.0.1", "localhost", "::1"} and systemd

    def runs_the_release(self) -> str:
        """Require the expected release, alive."""
        status, body = self.get("/health")
        require(status == 200, f"/health answered {status}: {body}")
        require(
            body["release"] == self.release,
            f"it runs {body['release']}, expected is {self.release}",
        )
        return f"{body['environment']} {self.release[:12]}"

    def unit_is_active(self) -> None:
        """Require the unit to be active."""
        answer = subprocess.run(
            ["systemctl", "is-active", UNIT], capture_output=True, text=True, check=False
        )
        require(answer.returncode == 0, f"{UNIT} is {answer.stdout.strip()}")

    def is_migrated(self) -> str:
        """Require a schema as new as the migrations of this tree."""
        status, body = self.get("/ready")
        require(status == 200, f"/ready answered {status}: {body}")
        newest = max(path.name[:4] for path in (ROOT / "migrations/versions").glob("0*.py"))
        require(body["schema"] >= newest, f"its schema is at {body['schema']}, newest is {newest}")
        return f"schema {body['schema']}"

    def refuses_nonsense(self) -> None:
        """Require a clear refusal."""
        path = "/api/anime/generate/image"
        status, body = request(self.port, "POST", path, {"prompt": ""}, host=self.host)
        require(status == 400, f"a request without a prompt was answered with {status}: {body}")

    def leaves_everything(self) -> str:
        """Require a decision and a workflow for every generation.

        Others may generate at the same time: so all counters are compared, over the same while.
        """
        before = self.counters()
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(self.generate, KINDS * ROUNDS))
        after = self.counters()
        require_status(answers, 200)
        generated = after["generations"] - before["generations"]
        require(generated >= len(answers), f"it counted {generated:g} of {len(answers)}")
        for name in COUNTERS:
            kept = after[name] - before[name]
            require(kept == generated, f"{name} counted {kept:g} of {generated:g} generations")
        return f"{generated:g} of {generated:g}"

    def takes_usual_times(self) -> str:
        """Require that no kind takes 15 % longer than it should."""
        said = [
            require_usual_time(partial(self.generate, kind), nominal, nominal * 1.15)
            for kind, nominal in NOMINAL_SECONDS.items()
        ]
        return ", ".join(said)

    def counters(self) -> dict[str, float]:
        """Return the counters of one moment."""
        text = str(self.get("/metrics")[1])
        kept = [
            parse_metric(text, "tower_generations_total", f'outcome="{outcome}"')
            for outcome in ("ok", "failed")
        ]
        return {"generations": sum(kept), **{name: parse_metric(text, name) for name in COUNTERS}}

    def analyses_workflows(self) -> str:
        """Require an analysis that knows all kinds."""
        status, body = self.get("/api/anime/workflows/analysis")
        require(status == 200, f"the analysis answered {status}: {body}")
        require(set(body["kinds"]) == set(KINDS), f"it knows only {sorted(body['kinds'])}")
        return f"{body['captures']} captures, {len(body['suggestions'])} suggestions"


def expected_release() -> str:
    """Return the release that must run. Raises ValueError if nobody said."""
    release = os.environ.get("EXPECTED_RELEASE", "")
    if not release and (ROOT / "REVISION").is_file():
        release = (ROOT / "REVISION").read_text(encoding="utf-8").strip()
    if not release:
        raise ValueError("set EXPECTED_RELEASE to the tree hash that must run on staging")
    return release


def main() -> int:
    """Return the exit status: 0 all holds, 1 something does not, 2 it could not be checked."""
    try:
        staging = Staging(
            os.environ.get("STAGING_URL", "http://127.0.0.1:8000"), expected_release()
        )
    except ValueError as exc:
        return stop(str(exc))
    report = Report("staging-deployment")
    report.check("the expected release runs", staging.runs_the_release)
    if staging.is_this_host():
        report.check("its unit is active", staging.unit_is_active)
    report.check("the schema is new enough", staging.is_migrated)
    report.check("nonsense is refused", staging.refuses_nonsense)
    report.check("every generation leaves decision and workflow", staging.leaves_everything)
    report.check("generations take their usual time", staging.takes_usual_times)
    report.check("the analysis works", staging.analyses_workflows)
    for path in sorted(Path(__file__).parent.glob("staging_*.py")):
        for name, function in importlib.import_module(f"tests.validation.{path.stem}").CHECKS:
            report.check(name, partial(function, staging))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
