# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._release_folder import (
    ReleaseError,
    Releases,
    changed_units,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for age, name in enumerate(("a", "b", "c", "d")):
        folder = tmp_path / "releases" / name
        folder.mkdir(parents=True)
        (folder / "REVISION").write_text(f"{name}\n")
        os.utime(folder / "REVISION", (age, age))
    (tmp_path / "current").symlink_to("releases/a")
    return tmp_path


def test_a_link_leads_to_another_release(root):
    releases = Releases(str(root))
    assert releases.linked("current") == "a"
    releases.switch("current", "b")
    assert releases.linked("current") == "b"
    assert (root / "current").readlink() == Path("releases/b")
    assert sorted(path.name for path in root.iterdir()) == ["current", "releases"]


def test_a_folder_in_place_of_the_link_is_not_replaced(root):
    (root / "green").mkdir()
    with pytest.raises(ReleaseError, match="no link"):
        Releases(str(root)).switch("green", "b")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("b", None, "REVISION is missing", id="half unpacked"),
        pytest.param("b", "a", "names 'a'", id="another tree"),
        pytest.param("x", None, "not there as a whole", id="not there"),
        pytest.param("../releases/b", None, "not there as a whole", id="a path, not a name"),
    ],
)
def test_a_release_that_is_not_whole_is_refused(root, name, text, said):
    if name == "b":
        (root / "releases/b/REVISION").unlink()
        if text:
            (root / "releases/b/REVISION").write_text(text)
    with pytest.raises(ReleaseError, match=said):
        Releases(str(root)).complete(name)


def test_what_is_shared_is_linked_into_the_release(root):
    releases = Releases(str(root))
    (root / "shared").mkdir()
    (root / "shared/local.env").write_text("x")
    folder = releases.complete("b")
    shared = releases.shared(folder, ["media/", "local.env"])
    releases.link_shared(shared, uid=os.getuid(), gid=os.getgid())
    assert (folder / "media").resolve() == (root / "shared/media").resolve()
    assert (folder / "local.env").read_text() == "x"
    assert releases.shared(folder, ["media/", "local.env"]) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("REVISION", "brings REVISION itself", id="the release brings it"),
        pytest.param("local.env", "not there to be shared", id="nothing to share"),
        pytest.param("../x", "below the release", id="outside"),
        pytest.param("/etc/x", "below the release", id="absolute"),
        pytest.param("", "below the release", id="empty"),
    ],
)
def test_what_cannot_be_shared_is_refused(root, path, said):
    releases = Releases(str(root))
    with pytest.raises(ReleaseError, match=said):
        releases.shared(releases.complete("b"), [path])


def test_the_newest_are_kept_beside_what_is_in_use(root):
    releases = Releases(str(root))
    (root / "releases/half").mkdir()
    (root / "green").symlink_to("releases/b")
    proc = root / "proc"
    proc.mkdir()
    needed = releases.needed(proc)
    assert needed == {"a", "b"}
    assert releases.removable(1, needed) == ["c", "half"]


def test_a_release_that_still_runs_is_in_use(root):
    process = root / "proc" / "7"
    process.mkdir(parents=True)
    (process / "cwd").symlink_to((root / "releases/c").resolve())
    assert Releases(str(root)).needed(root / "proc") == {"a", "c"}


def test_only_unit_files_that_differ_are_installed(root, tmp_path):
    installed = tmp_path / "system"
    installed.mkdir()
    release = root / "releases/b"
    (release / "x.service").write_text("new")
    (installed / "x.service").write_text("old")
    assert changed_units(release, {"x": "x.service"}, installed) == {installed / "x.service": "new"}
    (installed / "x.service").write_text("new")
    assert changed_units(release, {"x": "x.service"}, installed) == {}
    with pytest.raises(ReleaseError, match=r"brings no y\.service"):
        changed_units(release, {"y": "y.service"}, installed)
