# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._release_facts import (
    facts_after,
    read_facts,
    write_facts,
)

ABOUT = {"release": "a", "commit": "c", "tag": "v1", "phase": "phase-1"}


def test_the_host_says_what_it_serves_since_when():
    facts = facts_after({}, "current", ABOUT, now="noon", serves=True)
    assert facts == {
        **ABOUT,
        "since": "noon",
        "link": "current",
        "links": {"current": {**ABOUT, "since": "noon"}},
    }
    assert read_facts(write_facts(facts)) == facts


def test_what_stays_keeps_its_time():
    facts = facts_after({}, "current", ABOUT, now="noon", serves=True)
    assert facts_after(facts, "current", ABOUT, now="later", serves=True) == facts


def test_what_has_no_traffic_is_not_what_the_host_serves():
    facts = facts_after({}, "current", ABOUT, now="noon", serves=True)
    other = {**ABOUT, "release": "b"}
    beside = facts_after(facts, "green", other, now="later", serves=False)
    assert (beside["release"], beside["link"], beside["since"]) == ("a", "current", "noon")
    assert beside["links"]["green"] == {**other, "since": "later"}


@pytest.mark.parametrize("text", [None, "", "no JSON", "[1]"])
def test_what_cannot_be_read_counts_as_nothing(text):
    assert read_facts(text) == {}
