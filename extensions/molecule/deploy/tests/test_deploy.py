# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host has the whole tree and points at it."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

testinfra_hosts = ["ansible://rollout_staging"]
ROOT = "/opt/tower"
UNIT = "tower-anime-production.service"
#: Prints every file below the working directory as git would list it.
LIST = """
import hashlib, os
for folder, _, names in os.walk("."):
    for path in (os.path.join(folder, name) for name in names):
        data = open(path, "rb").read()
        mode = "100755" if os.access(path, os.X_OK) else "100644"
        blob = hashlib.sha1(b"blob %d" % len(data) + bytes(1) + data).hexdigest()
        print(mode, blob, path[2:])
"""


@pytest.fixture
def release(tree: str) -> str:
    return f"{ROOT}/releases/{tree}"


def test_the_release_holds_the_very_files_of_the_tree(
    host: Any, release: str, tree: str, git: Callable[[str], str]
) -> None:
    listed = git(f"ls-tree -r --format='%(objectmode) %(objectname) %(path)' {tree}").splitlines()
    found = host.check_output("sh -c %s", f"cd {release} && python3 -c '{LIST}'").splitlines()
    more = (" REVISION", " local.env")
    assert sorted(line for line in found if not line.endswith(more)) == sorted(listed)


def test_the_release_is_marked_as_complete(host: Any, release: str, tree: str) -> None:
    assert host.file(f"{release}/REVISION").content_string == f"{tree}\n"


def test_only_root_can_change_the_release(host: Any, release: str) -> None:
    files = host.check_output(f"find {release} ! -type l -perm /o+w")
    assert files + host.check_output(f"find {release} ! -user root -o ! -group root") == ""


def test_the_service_can_read_the_release(root: Any, release: str) -> None:
    with root.sudo("tower"):
        assert root.check_output(f"find {release} -type f ! -readable") == ""


def test_current_points_at_the_release(host: Any, release: str) -> None:
    current = host.file(f"{ROOT}/current")
    assert current.is_symlink
    assert current.linked_to == release


def test_nothing_half_done_is_left(host: Any) -> None:
    assert set(host.file(ROOT).listdir()) == {"current", "releases", "shared"}


def test_a_superseded_release_is_gone_and_the_one_before_is_kept(
    host: Any, tree: str, git: Callable[[str], str]
) -> None:
    before = git("rev-parse main^{tree}")
    assert set(host.file(f"{ROOT}/releases").listdir()) == {before, tree}


def test_what_is_shared_is_linked_into_the_release(root: Any, release: str) -> None:
    assert root.file(f"{release}/media").linked_to == f"{ROOT}/shared/media"
    assert root.file(f"{ROOT}/shared/media").user == "tower"
    assert root.file(f"{release}/local.env").content_string == "KEY=value\n"


def test_hooks_run_as_the_service(host: Any) -> None:
    assert host.file("/tmp/molecule-hook").content_string == "tower\n"


def test_the_host_says_what_it_serves(host: Any, tree: str) -> None:
    found = json.loads(host.file("/etc/ansible/facts.d/rollout.fact").content_string)
    said = {name: found[name] for name in ("release", "commit", "tag", "phase", "link")}
    assert said == {
        **{"release": tree, "commit": "c0ffee", "tag": "v1.0.0", "phase": "phase-1"},
        "link": "current",
    }
    assert found["since"]


def test_the_unit_is_the_one_that_the_release_brings(host: Any, release: str) -> None:
    installed = host.file(f"/etc/systemd/system/{UNIT}")
    assert (installed.user, installed.mode) == ("root", 0o644)
    assert installed.content == host.file(f"{release}/systemd/{UNIT}").content
