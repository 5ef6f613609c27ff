# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migrations form one line, in the order of their numbers."""

from __future__ import annotations

import unittest
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from tower.database import newest_revision

ROOT = Path(__file__).resolve().parents[2]


class MigrationsTest(unittest.TestCase):
    def test_one_line_in_the_order_of_the_numbers(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "migrations"))
        script = ScriptDirectory.from_config(config)
        newest_first = [revision.revision for revision in script.walk_revisions()]
        self.assertEqual(newest_first, sorted(newest_first, reverse=True))
        self.assertEqual(
            script.get_current_head(), newest_revision(ROOT / "migrations" / "versions")
        )
