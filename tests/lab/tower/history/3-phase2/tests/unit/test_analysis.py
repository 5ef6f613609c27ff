# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions and gains are computed from what was captured, not from what is believed."""

from __future__ import annotations

import unittest
from typing import Any

from tower.analysis import Capture, analyse

NOTHING: frozenset[str] = frozenset()


def capture(prompt: str, load: float = 0.03, encode: float = 0.02, **reused: bool) -> Capture:
    classes = {"1": "CheckpointLoaderSimple", "2": "CLIPTextEncode", "3": "KSampler"}
    inputs: dict[str, dict[str, Any]] = {"1": {"model": "m"}, "2": {"text": prompt}, "3": {}}
    seconds = {"1": load, "2": encode, "3": 0.05}
    return Capture(
        "image",
        {n: {"class_type": classes[n], "inputs": inputs[n]} for n in classes},
        [
            {
                "node": n,
                "class_type": classes[n],
                "seconds": seconds[n],
                "reused": reused.get(classes[n], False),
            }
            for n in classes
        ],
        sum(seconds.values()),
    )


class AnalyseTest(unittest.TestCase):
    def test_nothing_captured_suggests_nothing(self) -> None:
        found = analyse([], NOTHING)
        self.assertEqual((found["captures"], found["kinds"], found["suggestions"]), (0, {}, []))

    def test_the_time_of_each_node_is_its_share(self) -> None:
        nodes = analyse([capture("a"), capture("b")], NOTHING)["kinds"]["image"]["nodes"]
        self.assertAlmostEqual(nodes["KSampler"]["share"], 0.5)
        self.assertAlmostEqual(sum(node["share"] for node in nodes.values()), 1)

    def test_a_model_loaded_again_is_worth_keeping(self) -> None:
        suggestions = analyse([capture("a"), capture("b"), capture("c")], NOTHING)["suggestions"]
        self.assertEqual([each["optimisation"] for each in suggestions], ["keep_models"])
        self.assertAlmostEqual(suggestions[0]["saves_seconds_per_generation"], 0.03 * 2 / 3)
        self.assertAlmostEqual(suggestions[0]["saves_ratio"], 0.2)

    def test_a_prompt_repeated_is_worth_remembering(self) -> None:
        found = analyse([capture("a"), capture("a")], frozenset({"keep_models"}))
        self.assertEqual([s["optimisation"] for s in found["suggestions"]], ["reuse_prompts"])

    def test_what_saves_next_to_nothing_is_not_suggested(self) -> None:
        cheap = [capture("a", load=0.001, encode=0.001) for _ in range(5)]
        self.assertEqual(analyse(cheap, NOTHING)["suggestions"], [])

    def test_what_is_applied_is_measured_not_suggested(self) -> None:
        captures = [capture("a"), capture("b", load=0.0, CheckpointLoaderSimple=True)]
        found = analyse(captures, frozenset({"keep_models"}))
        self.assertEqual(found["suggestions"], [])
        (gain,) = found["optimisations"]["measured"]
        self.assertEqual((gain["optimisation"], gain["reused"]), ("keep_models", 1))
        self.assertAlmostEqual(gain["saved_ratio"], 0.3)
