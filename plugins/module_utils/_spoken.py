# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and durations as a person reads them in a status.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Optional

from ansible_collections.phased.rollout.plugins.module_utils._chain import stamp


def spoken_duration(seconds: float) -> str:
    """Return a duration such as '40 s', '12 min' or '47 h 59 min'.

    What is left over is dropped, so that nothing sounds complete a minute before it is.
    """
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    return " ".join(parts)


def spoken_time(moment: datetime) -> str:
    """Return a moment with its weekday, in UTC and to the minute: 'Thu 2026-01-15 03:10 UTC'."""
    utc = moment.astimezone(timezone.utc)
    # Not %a, which would be in the language of the machine.
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[utc.weekday()]
    return f"{day} {utc:%Y-%m-%d %H:%M} UTC"


def iso(moment: Optional[datetime]) -> Optional[str]:
    """Return a moment as the ledger writes it, None for none."""
    return None if moment is None else stamp(moment)
