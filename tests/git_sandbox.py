# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small remote with history, for tests that need real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Optional

ADA = "Ada <ada@example.org>"
BEA = "Bea <bea@example.org>"


class Sandbox:
    """A bare remote at remote (url), and a work tree at work whose commits are pushed to it.

    With local, there is only the work tree: quicker, where a test needs no remote.
    """

    def __init__(self, folder: Path, *, local: bool = False, ids: str = "sha1") -> None:
        self.remote = folder / "remote.git"
        self.work = folder / "work"
        self.url = f"file://{self.remote}"
        self._seconds = 1_700_000_000
        folder.mkdir(parents=True, exist_ok=True)
        self._local = local
        self._branches: set[str] = set()
        init = ("init", "-q", "-b", "main", f"--object-format={ids}")
        self.git(*init, str(self.work), where=folder)
        if not local:
            self.git(*init, "--bare", str(self.remote), where=folder)
            self.git("remote", "add", "origin", str(self.remote))

    def git(self, *arguments: str, where: Optional[Path] = None, author: str = ADA) -> str:
        """Return what a git command prints, run in the work tree unless where says otherwise."""
        self._seconds += 60
        name, mail = author.rstrip(">").split(" <")
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
            **{f"GIT_{role}_NAME": name for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": mail for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_DATE": f"@{self._seconds} +0000" for role in ("AUTHOR", "COMMITTER")},
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        argv = ["git", "-C", str(where or self.work), *arguments]
        done = subprocess.run(argv, env=env, capture_output=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr.decode()}"
        return done.stdout.decode().strip()

    def commit(
        self,
        branch: str,
        files: dict[str, Optional[str]],
        *,
        start: str = "main",
        message: str = "Work",
        author: str = ADA,
    ) -> str:
        """Return a new commit on a branch (made at start if new), files written or removed."""
        if branch in self._branches:
            self.git("checkout", "-q", branch)
        elif self._branches:
            self.git("checkout", "-q", "-b", branch, start)
        self._branches.add(branch)
        for name, content in files.items():
            path = self.work / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message, author=author)
        return self._head(branch)

    def _head(self, branch: str) -> str:
        if not self._local:
            self.git("push", "-q", "origin", branch)
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, other: str) -> str:
        """Return the --no-ff merge of another branch into a branch, as people make it."""
        self.git("checkout", "-q", branch)
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {other}", other)
        return self._head(branch)

    def revert(self, branch: str, commit: str) -> str:
        """Return the commit that takes a commit of a branch back (a merge: -m 1)."""
        self.git("checkout", "-q", branch)
        merge = len(self.git("rev-parse", f"{commit}^@").split()) > 1
        self.git("revert", "--no-edit", *(["-m", "1"] if merge else []), commit)
        return self._head(branch)

    def refs(self) -> dict[str, str]:
        """Return every ref of the remote."""
        form = "--format=%(refname) %(objectname)"
        lines = self.git("for-each-ref", form, where=self.remote).splitlines()
        return {line.split(" ")[0]: line.split(" ")[1] for line in lines}

    def tree(self, commit: str, *, where: Optional[Path] = None) -> str:
        """Return the tree of a commit."""
        return self.git("rev-parse", f"{commit}^{{tree}}", where=where)

    def hook(self, name: str, script: str) -> None:
        """Install a hook on the remote."""
        path = self.remote / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
