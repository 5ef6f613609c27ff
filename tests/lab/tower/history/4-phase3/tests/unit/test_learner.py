# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Echo Brain finds an optimum that it cannot see."""

from __future__ import annotations

import json
import unittest
from dataclasses import replace

from echo_brain.learner import Learner, dump, load, within_ranges
from tower.generation import DEFAULTS, KINDS
from tower.quality import OPTIMA, quality


def start(kind: str) -> Learner:
    defaults = DEFAULTS[kind]
    return Learner(best={"steps": float(defaults.steps), "cfg_scale": defaults.cfg_scale})


def rate(kind: str, advice: dict[str, float]) -> float:
    parameters = replace(DEFAULTS[kind], steps=int(advice["steps"]), cfg_scale=advice["cfg_scale"])
    return quality(kind, parameters)


def learn(kind: str, learner: Learner, rounds: int) -> list[float]:
    qualities = []
    for _ in range(rounds):
        advice = learner.advice()
        qualities.append(rate(kind, advice))
        learner.learn(advice, qualities[-1])
    return qualities


class LearnerTest(unittest.TestCase):
    def test_it_finds_the_optimum_and_rests(self) -> None:
        for kind in KINDS:
            with self.subTest(kind):
                learner = start(kind)
                self.assertGreater(learn(kind, learner, 35)[-1], 0.99)
                self.assertEqual(tuple(learner.best.values()), OPTIMA[kind])
                self.assertTrue(learner.resting)

    def test_feedback_that_comes_twice_or_late_changes_nothing(self) -> None:
        learner = start("image")
        first = learner.advice()
        learn("image", learner, 4)
        before = dump({"image": learner})
        learner.learn({**first, "steps": 59.0}, 1.0)
        self.assertEqual(dump({"image": learner}), before)

    def test_it_searches_again_when_the_world_changes(self) -> None:
        learner = start("image")
        learn("image", learner, 35)
        self.assertGreater(learn("video", learner, 40)[-1], 0.99)

    def test_it_stays_within_the_ranges(self) -> None:
        learner = start("image")
        for _ in range(60):
            advice = learner.advice()
            self.assertEqual(within_ranges(advice), advice)
            learner.learn(advice, advice["steps"] / 60)

    def test_what_was_learned_can_be_written_and_read(self) -> None:
        learner = start("video")
        learn("video", learner, 7)
        again = load(json.loads(json.dumps(dump({"video": learner}))))["video"]
        self.assertEqual(again, learner)

    def test_parameters_out_of_range_are_refused(self) -> None:
        for parameters in (
            None,
            {},
            {"steps": 10},
            {"steps": True, "cfg_scale": 5},
            {"steps": float("nan"), "cfg_scale": 5},
        ):
            with self.subTest(parameters):
                self.assertIsNone(within_ranges(parameters))
