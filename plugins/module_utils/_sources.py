# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All sources, by the name that a plan gives them.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from typing import Dict, Type

from ansible_collections.phased.rollout.plugins.module_utils._measure import Retried
from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields
from ansible_collections.phased.rollout.plugins.module_utils._source import Context, Source
from ansible_collections.phased.rollout.plugins.module_utils._source_command import CommandSource
from ansible_collections.phased.rollout.plugins.module_utils._source_decisions import (
    DecisionsSource,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_http import HttpSource
from ansible_collections.phased.rollout.plugins.module_utils._source_junit import JunitSource
from ansible_collections.phased.rollout.plugins.module_utils._source_prometheus import (
    PrometheusSource,
)
from ansible_collections.phased.rollout.plugins.module_utils._source_sql import SqlSource
from ansible_collections.phased.rollout.plugins.module_utils._source_value import ValueSource
from ansible_collections.phased.rollout.plugins.module_utils._source_websocket import (
    WebsocketSource,
)

SOURCES: Dict[str, Type[Source]] = {
    "command": CommandSource,
    "decisions": DecisionsSource,
    "http": HttpSource,
    "junit": JunitSource,
    "prometheus": PrometheusSource,
    "sql": SqlSource,
    "value": ValueSource,
    "websocket": WebsocketSource,
}


def read_source(fields: Fields, context: Context) -> Source:
    """Return the source that the fields state. Raises ShapeError, MissingLibraryError."""
    source = SOURCES[fields.choice("type", SOURCES)].read(fields, context)
    retries = context.retries_of(fields)
    return Retried.of(source, retries) if retries.count else source
