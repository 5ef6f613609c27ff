# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads figures out of what Prometheus would scrape."""

from __future__ import annotations

import re

from tests.report import CheckError


def parse_metric(text: str, name: str, label: str = "") -> float:
    """Return the sum of a metric over its series, of those with that label if one is given.

    Raises CheckError if there is no such series: no figure is not the figure 0.
    """
    series = re.findall(rf"^{name}(?:\{{([^}}]*)\}})? (\S+)$", text, re.MULTILINE)
    found = [float(value) for labels, value in series if label in labels]
    if not found:
        raise CheckError(f"/metrics does not show {name}{{{label}}}")
    return sum(found)
