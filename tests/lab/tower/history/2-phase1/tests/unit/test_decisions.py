# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A decision says what was chosen and how it went."""

from __future__ import annotations

import unittest
from dataclasses import replace

from tower.decisions import describe
from tower.generation import Generation, parse_request


class DescribeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.generation: Generation = parse_request(
            "image", {"prompt": "a red fox", "project_id": "p"}
        )

    def test_defaults_change_nothing(self) -> None:
        decision = describe(self.generation)
        self.assertEqual((decision["changed"], decision["outcome"]), ([], "failed"))

    def test_what_departs_from_the_defaults_is_named(self) -> None:
        self.generation.parameters = replace(self.generation.parameters, steps=31)
        self.generation.succeeded = True
        decision = describe(self.generation)
        self.assertEqual((decision["changed"], decision["outcome"]), (["steps"], "succeeded"))
        self.assertEqual(decision["parameters"]["steps"], 31)
