# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Advice is checked before anybody follows it."""

from __future__ import annotations

import unittest
from typing import Any

from tower.echo_client import NonsenseError, parse_advice


class ParseAdviceTest(unittest.TestCase):
    def test_good_advice_is_taken(self) -> None:
        answer = {"advice": {"steps": 24.0, "cfg_scale": 6}, "settled": False}
        self.assertEqual(parse_advice(answer), {"steps": 24.0, "cfg_scale": 6.0})

    def test_nonsense_is_refused(self) -> None:
        answers: tuple[Any, ...] = (
            None,
            [],
            {},
            {"advice": None},
            {"advice": {"steps": 24}},
            {"advice": {"steps": "24", "cfg_scale": 6}},
            {"advice": {"steps": True, "cfg_scale": 6}},
            {"advice": {"steps": 10**9, "cfg_scale": 6}},
            {"advice": {"steps": 24, "cfg_scale": float("nan")}},
            {"advice": {"steps": 24, "cfg_scale": 6, "model": "other"}},
        )
        for answer in answers:
            with self.subTest(answer), self.assertRaises(NonsenseError):
                parse_advice(answer)
