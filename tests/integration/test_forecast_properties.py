# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On random histories, a pair that is not tried because it must be clean is clean."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._footprint import Footprint
from ansible_collections.phased.rollout.plugins.module_utils._forecast import Forecast
from ansible_collections.phased.rollout.plugins.module_utils._git import Repository
from ansible_collections.phased.rollout.plugins.module_utils._git_changes import Change
from ansible_collections.phased.rollout.plugins.module_utils._git_merges import Merges
from ansible_collections.phased.rollout.plugins.module_utils._pairs import Pairs
from ansible_collections.phased.rollout.tests.git_histories import (
    BRANCHES,
    Entry,
    History,
    Made,
    WorkTree,
    fixed,
    histories,
)


@settings(fixed, max_examples=100)
@given(history=histories(), base=st.integers(0, BRANCHES - 1))
def test_what_is_not_tried_is_clean(work: WorkTree, history: History, base: int) -> None:
    ids = work.make(history)
    heads = [ids[head] for head in dict.fromkeys(history.heads)]
    changes = [Change(sha, sha) for sha in heads if sha != ids[history.heads[base]]]
    assume(len(changes) > 1)
    repository = Repository(work.path)
    forecast = Forecast(repository, ids[history.heads[base]], changes)
    found = Pairs(forecast, changes).as_list()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Footprint, "may_conflict_with", lambda _one, _other: True)
        assert Pairs(forecast, changes).as_list() == found


_NAMES = [b"f", b"g", b"a/f", b"a/g", b"a/x/f", b"b/f", b"b/x/g", b"c"]
_PLACES = st.sampled_from(
    [b"a/new", b"a/x/new", b"b/new", b"new", b"new/f", b"new/x/f", b"e/f", b"e"]
)
_FOLDERS = st.sampled_from([b"a/", b"a/x/", b"b/", b"b/x/", b""])


@st.composite
def moved_about(draw: st.DrawFn) -> History:
    """Return two commits on a base: few paths and many moves, which changes seldom have."""
    history = History()
    base = {name: ("100644", b"".join(b"%s %d\n" % (name, n) for n in range(9))) for name in _NAMES}
    history.commits = [Made(base, ())]
    for branch in range(2):
        tree = dict(base)
        for _step in range(draw(st.integers(1, 3))):
            source, target = draw(_FOLDERS), draw(_FOLDERS)
            kind = draw(st.sampled_from(["add", "move", "move all", "delete"]))
            if kind == "add":
                tree[draw(_PLACES)] = ("100644", b"new %d\n" % branch)
            elif kind == "move all":
                for name in [name for name in tree if name.startswith(source)]:
                    tree[target + b"moved/" + name[len(source) :]] = tree.pop(name)
            elif tree:
                entry = tree.pop(draw(st.sampled_from([*tree])))
                if kind == "move":
                    tree[draw(_PLACES)] = entry
        history.commit(branch, _possible(tree))
    return history


def _possible(tree: dict[bytes, Entry]) -> dict[bytes, Entry]:
    """Return the tree without files where others need a folder."""
    folders = {
        name[:end] for name in tree for end in range(len(name)) if name[end : end + 1] == b"/"
    }
    return {name: entry for name, entry in tree.items() if name not in folders}


@settings(fixed, max_examples=600)
@given(history=moved_about())
def test_paths_that_do_not_meet_merge(work: WorkTree, history: History) -> None:
    base, one, other = work.make(history)
    repository = Repository(work.path)
    changed = {tip: repository.changed_files(base, tip, status=True) for tip in (one, other)}
    prints = [Footprint.of([tip], paths) for tip, paths in changed.items()]
    note(f"{prints}")
    clean = one != other and not prints[0].may_conflict_with(prints[1])
    for merged in Merges(repository).merge_all([(one, other), (other, one)] if clean else []):
        assert merged.conflicts == {}
