# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults file does what it says, exactly as often as it says."""

from __future__ import annotations

import json
import logging
import tempfile
import unittest
from fractions import Fraction
from pathlib import Path

from tower.faults import Faults, ratio_of


class FaultsTest(unittest.TestCase):
    def setUp(self) -> None:
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "faults.json"
        self.faults = Faults(self.path)

    def write(self, **faults: object) -> None:
        self.path.write_text(json.dumps(faults), encoding="utf-8")

    def test_no_file_means_no_faults(self) -> None:
        self.assertFalse(self.faults.hits("fail"))
        self.assertEqual(self.faults.delay_seconds(), 0)

    def test_one_in_twenty_is_every_twentieth(self) -> None:
        self.write(fail=0.05)
        struck = [n for n in range(1, 101) if self.faults.hits("fail")]
        self.assertEqual(struck, [20, 40, 60, 80, 100])

    def test_three_in_ten_never_drifts(self) -> None:
        self.write(fail=0.3)
        self.assertEqual(sum(self.faults.hits("fail") for _ in range(1000)), 300)

    def test_a_changed_file_is_read_again(self) -> None:
        self.write(unhealthy=True)
        self.assertIs(self.faults.value("unhealthy"), True)
        self.write(unhealthy=False)
        self.assertIs(self.faults.value("unhealthy"), False)
        self.path.unlink()
        self.assertIsNone(self.faults.value("unhealthy"))

    def test_a_broken_file_means_no_faults(self) -> None:
        self.path.write_text("{", encoding="utf-8")
        self.assertFalse(self.faults.hits("fail"))

    def test_slow_without_a_ratio_slows_everything(self) -> None:
        self.write(slow_ms=400)
        self.assertEqual([self.faults.delay_seconds() for _ in range(3)], [0.4] * 3)

    def test_slow_with_a_ratio_slows_that_many(self) -> None:
        self.write(slow_ms=400, slow_ratio=0.5)
        self.assertEqual([self.faults.delay_seconds() for _ in range(4)], [0, 0.4, 0, 0.4])

    def test_ratios_are_exact_and_bounded(self) -> None:
        expected = {0.05: Fraction(1, 20), 7: 1, -1: 0, True: 1, None: 0, "often": 0}
        self.assertEqual({value: ratio_of(value) for value in expected}, expected)
