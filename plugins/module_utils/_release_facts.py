# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local fact that says which release a host serves, since when, and for what. Pure, no I/O.

This module util is PRIVATE to the collection. It runs on managed hosts: standard library only.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional

#: What Ansible reads when it gathers facts, as ansible_local.rollout.
FACTS_FILE = "/etc/ansible/facts.d/rollout.fact"
KEYS = ("release", "commit", "tag", "phase")


def read_facts(text: Optional[str]) -> Dict[str, Any]:
    """Return the facts that a file holds; what cannot be read counts as none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def facts_after(
    before: Mapping[str, Any], link: str, about: Mapping[str, str], *, now: str, serves: bool
) -> Dict[str, Any]:
    """Return the facts once a link leads to a release.

    about: release, commit, tag and phase. serves: whether the link is the one that gets traffic; if
    it is not, what stands at the top stays. What stays the same keeps the time since it is so.
    """
    links = dict(before.get("links") or {})
    links[link] = _since(links.get(link) or {}, about, now)
    top = {key: value for key, value in before.items() if key not in ("links",)}
    if serves:
        top = {**_since(top, about, now), "link": link}
    return {**top, "links": links}


def write_facts(facts: Mapping[str, Any]) -> str:
    """Return the text of the file."""
    return json.dumps(facts, indent=2, sort_keys=True) + "\n"


def _since(found: Mapping[str, Any], about: Mapping[str, str], now: str) -> Dict[str, Any]:
    wanted: Dict[str, Any] = {key: about.get(key, "") for key in KEYS}
    same = {key: found.get(key) for key in KEYS} == wanted
    return {**wanted, "since": found.get("since", now) if same else now}
