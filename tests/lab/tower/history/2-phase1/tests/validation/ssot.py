# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates the phases in this tree on a database and a service of its own."""

from __future__ import annotations

import argparse
import importlib
import sys
from functools import partial
from pathlib import Path

from tests.report import CheckError, Report, stop
from tests.validation.cluster import CannotStartError
from tests.validation.surroundings import Surroundings

# Without these two the other checks could only say the same again.
FIRST_CHECKS = 2


def phases_in_tree() -> list[int]:
    """Return the numbers of the phases that this tree can validate."""
    return sorted(int(path.stem[5:]) for path in Path(__file__).parent.glob("phase[0-9].py"))


def parse_phases(text: str | None, known: list[int]) -> list[int]:
    """Return the phases to validate, all by default. Raises ValueError, meant to be read."""
    if text is None:
        return known
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if not name.isdigit() or int(name) not in known]
    if unknown:
        raise ValueError(
            f"--phases {text!r}: this tree has the phases {','.join(map(str, known))}, "
            f"not {', '.join(map(repr, unknown))}"
        )
    return sorted({int(name) for name in names})


def run(report: Report, phases: list[int]) -> None:
    """Run the checks of all phases; phase 1 is the ground that every other stands on."""
    with Surroundings() as surroundings:
        for phase in sorted({1, *phases}):
            checks = importlib.import_module(f"tests.validation.phase{phase}").CHECKS
            ground = checks[:FIRST_CHECKS] if phase == 1 else []
            for number, (name, function) in enumerate(checks):
                if phase not in phases and number >= len(ground):
                    break
                held = report.check(f"phase {phase}: {name}", partial(function, surroundings))
                if not held and number < len(ground):
                    return
        if not report.holds():
            surroundings.say_errors()


def main(suite: str = "ssot-integration") -> int:
    """Return the exit status: 0 all holds, 1 something does not, 2 it could not be checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phases", metavar="1,2", help="phases to validate, by default all")
    try:
        phases = parse_phases(parser.parse_args().phases, phases_in_tree())
        report = Report(suite)
        run(report, phases)
    except (CannotStartError, CheckError, ValueError) as exc:
        return stop(str(exc))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
