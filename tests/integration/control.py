# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control node, for tests that run the git modules against a remote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.phased.rollout.tests.git_sandbox import Sandbox

TAG = "v1.0.0-ssot-phase1"


class Control:
    """A control node: the mirror of a remote, and the modules that use it."""

    def __init__(
        self,
        sandbox: Sandbox,
        mirror: Path,
        run_module: Callable[..., dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.sandbox = sandbox
        self.mirror = mirror
        self._run_module = run_module
        self._monkeypatch = monkeypatch

    def intercept(self, command: str, script: str) -> None:
        """Let a shell script run where git is next called with a command; $GIT is git itself."""
        folder = self.sandbox.work.parent / "intercepted"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        git = folder / "git"
        git.write_text(
            f"#!/bin/sh\nGIT={shutil.which('git', path=os.environ['PATH'])}\n"
            f'case " $* " in *" {command} "*) if mkdir {folder}/once 2>/dev/null; then\n'
            f'PATH={os.environ["PATH"]}\n{script}\nfi ;; esac\nexec "$GIT" "$@"\n'
        )
        git.chmod(0o755)
        self._monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def start(self, name: str, **args: Any) -> subprocess.Popen[bytes]:
        """Start a module and leave it running."""
        process = subprocess.Popen(
            [sys.executable, "-m", f"ansible_collections.phased.rollout.plugins.modules.{name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": self._complete(args)}).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, name: str, check_mode: bool = False, **args: Any) -> dict[str, Any]:
        return self._run_module(name, self._complete(args), check_mode=check_mode)

    def _complete(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"repository": str(self.mirror), "remote": self.sandbox.url, **args}

    def merge(self, **args: Any) -> dict[str, Any]:
        return self.run("git_merge", **args)

    def forecast(self, **args: Any) -> dict[str, Any]:
        return self.run("git_forecast_info", **args)


PHASE_1: dict[str, Any] = {
    "into": "development",
    "update_from": ["main"],
    "changes": [{"id": "ssot-bridge", "branch": "feature/phase1"}],
    "trailers": {"Rollout": "tower", "Phase": 1},
    "candidate": "refs/rollout/candidate/phase-1",
}


def release(candidate: dict[str, Any]) -> dict[str, Any]:
    return {
        "into": "main",
        "changes": [{"id": "phase-1", "branch": candidate["after"]}],
        "expected_tree": candidate["tree"],
        "commit_message": "Release phase 1",
        "tag": TAG,
        "tag_message": "Phase 1",
        "push": True,
    }
