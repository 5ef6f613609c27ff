# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a validation needs, in a temporary folder: PostgreSQL, the service, its faults."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.report import CheckError
from tests.validation.cluster import Cluster
from tests.validation.metrics import parse_metric
from tests.validation.process import Program, request

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("image", "video", "upscale")


@dataclass(frozen=True)
class Answer:
    """What became of one request to generate."""

    kind: str
    status: int
    body: Any
    seconds: float


class Surroundings:
    """The service of this tree on a database of its own."""

    def __init__(self) -> None:
        """Make the folder; the with statement makes the rest, and removes it."""
        self.folder = Path(tempfile.mkdtemp(prefix="tower-validation-"))
        self.faults_path = self.folder / "faults.json"
        self.settings: dict[str, str] = {}
        self.app = Program("tower", ROOT, self.folder / "tower.log")
        self._outside = outside_faults()

    def __enter__(self) -> Surroundings:
        """Start PostgreSQL. Raises CannotStartError."""
        signal.signal(signal.SIGTERM, _exit)
        try:
            self.cluster = Cluster(self.folder)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.faults()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything and leave nothing behind."""
        self.app.kill()
        self.cluster.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def migrate(self, *command: str) -> None:
        """Run alembic as the owner of the schema. Raises CheckError with its last words."""
        ran = subprocess.run(
            ["/usr/bin/python3", "-B", "-m", "alembic", *command],
            cwd=ROOT,
            env=self._environ("tower_owner"),
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            reasons = re.findall(r"^\S*Error\S* .+", ran.stderr, re.MULTILINE)
            reason = reasons[-1] if reasons else ran.stderr.strip()[-600:]
            raise CheckError(f"alembic {' '.join(command)} failed: {reason}")

    def faults(self, **faults: Any) -> None:
        """Ask for these faults, beside those that were asked for from outside."""
        partial = self.folder / "faults.partial"
        partial.write_text(json.dumps({**self._outside, **faults}), encoding="utf-8")
        partial.replace(self.faults_path)

    def start(self) -> None:
        """Start the service with self.settings and wait until it is alive."""
        self.app.start({**self._environ("tower_app"), **self.settings})

    def stop(self) -> None:
        """Stop the service as systemd does. Raises CheckError unless it ends well within 3 s."""
        started = time.monotonic()
        self.app.signal(signal.SIGTERM)
        status = self.app.wait(3)
        if status:
            raise CheckError(f"the service ended with status {status}: {self.app.last_words()}")
        if time.monotonic() - started > 3:
            raise CheckError("the service took more than 3 s to stop")

    def say_errors(self) -> None:
        """Print what the service complained about, for whoever looks into a failed check."""
        complaints = [
            line
            for line in self.app.last_words(20_000).splitlines()
            if line.startswith(("ERROR", "CRITICAL"))
        ]
        for line in complaints[-10:]:
            print(f"     tower.log  {line}")

    def wait_ready(self, seconds: float = 5) -> None:
        """Wait until the service is ready. Raises CheckError with the reason why it is not."""
        limit = time.monotonic() + seconds
        status, body = request(self.app.port, "GET", "/ready")
        while status != 200:
            if time.monotonic() > limit:
                raise CheckError(f"not ready: {body}")
            time.sleep(0.05)
            status, body = request(self.app.port, "GET", "/ready")

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and body of a GET."""
        return request(self.app.port, "GET", path)

    def generate(self, kind: str, project_id: str, prompt: str = "a red fox") -> Answer:
        """Return the answer to one request to generate."""
        started = time.monotonic()
        body = {"prompt": prompt, "project_id": project_id}
        status, answer = request(self.app.port, "POST", f"/api/anime/generate/{kind}", body)
        return Answer(kind, status, answer, time.monotonic() - started)

    def generate_many(self, project_id: str, count: int, threads: int = 12) -> list[Answer]:
        """Return the answers to count requests, all kinds in turn."""
        with ThreadPoolExecutor(threads) as pool:
            kinds = [KINDS[number % len(KINDS)] for number in range(count)]
            return list(pool.map(lambda kind: self.generate(kind, project_id), kinds))

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels. Raises CheckError if there is none."""
        return parse_metric(str(self.get("/metrics")[1]), name)

    def _environ(self, role: str) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "DATABASE_URL": self.cluster.url(role),
            "TOWER_ENVIRONMENT": "validation",
            "TOWER_PORT": str(self.app.port),
            "TOWER_FAULTS": str(self.faults_path),
        }


def require(holds: bool, otherwise: str) -> None:
    """Raise CheckError with the text otherwise unless it holds."""
    if not holds:
        raise CheckError(otherwise)


def require_usual_time(generate: Callable[[], Answer], nominal: float, limit: float) -> str:
    """Raise CheckError unless generations usually take less than limit; both in seconds.

    A busy machine can slow some down, but it cannot make a slow service fast: so the fastest
    quarter of a round is looked at, and one of five rounds must do.
    """
    for _ in range(5):
        answers = [generate() for _ in range(9)]
        require_status(answers, 200)
        usual = sorted(answer.seconds for answer in answers)[len(answers) // 4]
        if usual < limit:
            return f"{usual * 1000:.1f} ms of {nominal * 1000:.0f} ms"
    raise CheckError(
        f"{answers[0].kind} takes {usual * 1000:.1f} ms, allowed are {limit * 1000:.0f} ms"
    )


def require_status(answers: list[Answer], status: int) -> None:
    """Raise CheckError unless every answer has that status."""
    others = [answer for answer in answers if answer.status != status]
    require(
        bool(answers) and not others,
        f"{len(others)} of {len(answers)} requests were not answered with {status}"
        + (f", the first with {others[0].status}: {others[0].body}" if others else ""),
    )


def outside_faults() -> dict[str, Any]:
    """Return the faults that the file named by TOWER_FAULTS asks for; they apply here too."""
    path = Path(os.environ.get("TOWER_FAULTS", "/etc/tower/faults.json"))
    try:
        faults = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except ValueError as exc:
        raise CheckError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(faults, dict):
        raise CheckError(f"{path} does not hold a JSON object")
    if faults:
        print(f"note: the faults of {path} apply: {json.dumps(faults)}")
    return faults


def _exit(number: int, _frame: FrameType | None) -> None:
    """Leave by way of every finally."""
    sys.exit(128 + number)
