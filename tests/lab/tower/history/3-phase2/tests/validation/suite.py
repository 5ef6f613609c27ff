# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a suite of checks on the service of this tree, migrated and ready."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.report import CheckError, Report, stop
from tests.validation.cluster import CannotStartError
from tests.validation.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Check = tuple[str, Callable[[Surroundings], str | None]]


def run_suite(name: str, checks: Sequence[Check]) -> int:
    """Return the exit status: 0 all holds, 1 something does not, 2 it could not be checked."""
    report = Report(name)
    try:
        with Surroundings() as surroundings:
            if report.check("the service gets ready", lambda: make_ready(surroundings)):
                for sentence, function in checks:
                    report.check(sentence, partial(function, surroundings))
            if not report.holds():
                surroundings.say_errors()
    except (CannotStartError, CheckError) as exc:
        return stop(str(exc))
    return report.finish()


def make_ready(s: Surroundings) -> None:
    """Migrate, start and wait. Raises CheckError."""
    s.migrate("upgrade", "head")
    s.start()
    s.wait_ready()
