# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A static scan of the tree: bandit, secrets, and the sandbox of the units."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.report import CheckError, Report, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{50,})"),
    "a password in a URL": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s:/@'\"]+:(?!password@)[^\s/@'\"]+@"
    ),
    "a password in an assignment": re.compile(
        r"(?i)\b\w*(?:password|passwd|secret|api_key|token)\w*\s*[:=]\s*[\"'][^\"'\s]{6,}[\"']"
    ),
}
SANDBOX = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "PrivateTmp=yes",
    "ProtectHome=yes",
    "ProtectSystem=strict",
    "RestrictSUIDSGID=yes",
    "SystemCallFilter=@system-service",
)


def files() -> Iterator[Path]:
    """Yield every file of the tree."""
    for path in sorted(ROOT.rglob("*")):
        if path.is_file() and not SKIPPED.intersection(path.relative_to(ROOT).parts):
            yield path


def bandit() -> str:
    """Let bandit read all code that is not a test. Raises CheckError on any finding."""
    folders = sorted({path.parent.name for path in ROOT.glob("*/*.py")} - {"tests"})
    answer = subprocess.run(
        [sys.executable, "-B", "-m", "bandit", "-q", "-f", "json", "-r", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: dict[str, Any] = json.loads(answer.stdout)
    except ValueError as exc:
        raise CheckError(f"bandit gave no report: {answer.stderr.strip()[-300:]}") from exc
    lines = found["metrics"]["_totals"]["loc"]
    if found["errors"] or not lines:
        raise CheckError(f"bandit read {lines} lines, errors: {found['errors']}")
    if found["results"]:
        raise CheckError(
            "; ".join(
                f"{result['filename']}:{result['line_number']} {result['test_id']} "
                f"{result['issue_text']}"
                for result in found["results"]
            )
        )
    return f"{lines} lines in {', '.join(folders)}"


def secrets() -> str:
    """Look for secrets in every text file. Raises CheckError on any finding."""
    found, read = [], 0
    for path in files():
        read += 1
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            found += [
                f"{path.relative_to(ROOT)}:{number} holds {name}"
                for name, pattern in SECRETS.items()
                if pattern.search(line)
            ]
    if found:
        raise CheckError("; ".join(found))
    return f"{read} files"


def sandbox() -> str:
    """Require the sandbox in every unit. Raises CheckError where a setting is missing."""
    units = sorted(ROOT.glob("systemd/*.service"))
    if not units:
        raise CheckError("there is no unit in systemd/")
    missing = [
        f"{unit.name} lacks {setting}"
        for unit in units
        for setting in SANDBOX
        if setting not in unit.read_text(encoding="utf-8").splitlines()
    ]
    if missing:
        raise CheckError("; ".join(missing))
    return ", ".join(unit.name for unit in units)


def main() -> int:
    """Return the exit status: 0 clean, 1 findings, 2 the scan could not be made."""
    if importlib.util.find_spec("bandit") is None:
        return stop("bandit is not installed; on Debian: apt-get install bandit")
    report = Report("security-scan")
    report.check("bandit finds nothing", bandit)
    report.check("no file holds a secret", secrets)
    report.check("every unit is sandboxed", sandbox)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
