# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `value`: a value that the caller has measured.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.phased.rollout.plugins.module_utils._shape import (
    Fields,
    ShapeError,
    to_number,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    COMMON_OPTIONS,
    Context,
    Measurement,
    Source,
)


@dataclass(frozen=True)
class ValueSource(Source):
    """A value, or None for no data. note: what is said with it, for example what was counted."""

    value: Optional[float]
    note: Optional[str] = None

    @classmethod
    def read(cls, fields: Fields, context: Context) -> ValueSource:
        """Return the source that the fields state."""
        fields.only(*COMMON_OPTIONS, "value", "note")
        if "value" not in fields.raw:
            raise ShapeError(fields.at("value"), None, "it must be a number, or null for no data")
        raw = fields.raw["value"]
        return cls(
            timeout_seconds=context.timeout_of(fields),
            value=None if raw is None else to_number(raw, fields.at("value")),
            note=fields.optional_text("note") or None,
        )

    @property
    def asked(self) -> str:
        """Nothing is asked; the value was given."""
        return "the given value"

    def measure(self) -> Measurement:
        """Return the value."""
        note = "no value was given" if self.value is None and not self.note else self.note
        return Measurement(value=self.value, note=note)
