# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment is checked before anything runs."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from tower.config import ConfigurationError, read_settings

URL = "postgresql://tower_app@db/tower_staging"


class SettingsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def test_defaults(self) -> None:
        settings = read_settings({"DATABASE_URL": URL}, self.root)
        self.assertEqual((settings.port, settings.release), (8000, "unknown"))
        self.assertEqual(settings.faults_path, Path("/etc/tower/faults.json"))

    def test_the_release_is_read_from_the_folder(self) -> None:
        (self.root / "REVISION").write_text("4b825dc6\n", encoding="utf-8")
        self.assertEqual(read_settings({"DATABASE_URL": URL}, self.root).release, "4b825dc6")

    def test_optimisations_can_be_chosen(self) -> None:
        for text, expected in {
            "": set(),
            "reuse_prompts, keep_models": {"reuse_prompts", "keep_models"},
        }.items():
            with self.subTest(text):
                settings = read_settings(
                    {"DATABASE_URL": URL, "TOWER_OPTIMISATIONS": text}, self.root
                )
                self.assertEqual(settings.optimisations, expected)

    def test_nonsense_is_refused(self) -> None:
        for environ in (
            {},
            {"DATABASE_URL": "mysql://db/tower"},
            {"DATABASE_URL": URL, "TOWER_PORT": "http"},
            {"DATABASE_URL": URL, "TOWER_PORT": "65536"},
            {"DATABASE_URL": URL, "TOWER_OPTIMISATIONS": "keep_models,hurry"},
        ):
            with self.subTest(environ), self.assertRaises(ConfigurationError):
                read_settings(environ, self.root)
