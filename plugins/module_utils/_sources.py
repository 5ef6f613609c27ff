# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All sources, by the name that a plan gives them.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Dict, Type

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, Source
from ansible_collections.phased.rollout.plugins.module_utils._source_http import HttpSource
from ansible_collections.phased.rollout.plugins.module_utils._source_prometheus import (
    PrometheusSource,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_sql import SqlSource
from ansible_collections.phased.rollout.plugins.module_utils._source_value import ValueSource

SOURCES: Dict[str, Type[Source]] = {
    "http": HttpSource,
    "prometheus": PrometheusSource,
    "sql": SqlSource,
    "value": ValueSource,
}


def read_source(fields: Fields, context: Context) -> Source:
    """Return the source that the fields state. Raises ShapeError, MissingLibraryError."""
    return SOURCES[fields.choice("type", SOURCES)].read(fields, context)
