# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client may ask for."""

from __future__ import annotations

import unittest

from tower.generation import KINDS, InvalidRequestError, parse_request

GOOD = {"prompt": "a red fox", "project_id": "phase1-prod-test"}
REFUSED = {
    "no object": [],
    "no prompt": {"project_id": "p"},
    "prompt is no text": {"prompt": 7, "project_id": "p"},
    "prompt is blank": {"prompt": "  ", "project_id": "p"},
    "prompt is too long": {"prompt": "x" * 2001, "project_id": "p"},
    "prompt with NUL": {"prompt": "a\0b", "project_id": "p"},
    "prompt with half a character": {"prompt": "\ud800", "project_id": "p"},
    "no project": {"prompt": "a red fox"},
    "project with a slash": {"prompt": "a red fox", "project_id": "../etc"},
    "project is too long": {"prompt": "a red fox", "project_id": "p" * 65},
}


class ParseRequestTest(unittest.TestCase):
    def test_each_kind_is_accepted(self) -> None:
        for kind in KINDS:
            with self.subTest(kind):
                self.assertEqual(parse_request(kind, GOOD).kind, kind)

    def test_nonsense_is_refused(self) -> None:
        for reason, body in REFUSED.items():
            with self.subTest(reason), self.assertRaises(InvalidRequestError):
                parse_request("image", body)

    def test_the_same_prompt_gets_the_same_seed(self) -> None:
        first, second = (parse_request("image", GOOD) for _ in range(2))
        self.assertEqual(first.parameters, second.parameters)
        self.assertNotEqual(first.generation_id, second.generation_id)
