# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.plugin_utils._batches import split

HOSTS = [f"h{number}" for number in range(1, 9)]


@pytest.mark.parametrize(
    ("batches", "sizes"),
    [
        pytest.param([1, "50%", "100%"], [1, 4, 3], id="one, half, the rest"),
        pytest.param([2], [2, 2, 2, 2], id="the last is repeated"),
        pytest.param(["10%"], [1] * 8, id="never less than one"),
        pytest.param(["100%"], [8], id="all at once"),
        pytest.param([20], [8], id="more than there are"),
    ],
)
def test_hosts_come_in_their_order(batches, sizes):
    found = split(HOSTS, batches)
    assert [len(batch) for batch in found] == sizes
    assert [host for batch in found for host in batch] == HOSTS


def test_no_hosts_make_no_batches():
    assert split([], [1]) == []


@pytest.mark.parametrize("batches", [[], [0], ["half"], [True], ["0%"]])
def test_what_is_no_batch_is_refused(batches):
    with pytest.raises(ValueError, match="batch"):
        split(HOSTS, batches)
