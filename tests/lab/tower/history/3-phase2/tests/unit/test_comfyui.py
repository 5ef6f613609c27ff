# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows are complete and take the time that they should."""

from __future__ import annotations

import asyncio
import time
import unittest

from tower.comfyui import NODES, ComfyUI, build_workflow
from tower.generation import KINDS, parse_request

SECONDS = {"image": 0.150, "video": 0.250, "upscale": 0.100}


class ComfyUITest(unittest.TestCase):
    def test_every_kind_has_its_time(self) -> None:
        totals = {kind: sum(seconds for _, seconds in NODES[kind]) for kind in KINDS}
        self.assertEqual({kind: round(total, 6) for kind, total in totals.items()}, SECONDS)

    def test_a_run_takes_that_time(self) -> None:
        generation = parse_request("upscale", {"prompt": "a red fox", "project_id": "p"})
        started = time.monotonic()
        runs = asyncio.run(ComfyUI().run(generation))
        self.assertGreaterEqual(time.monotonic() - started, SECONDS["upscale"] - 0.001)
        self.assertEqual([run.class_type for run in runs], [name for name, _ in NODES["upscale"]])

    def test_each_node_takes_what_the_one_before_gave(self) -> None:
        for kind in KINDS:
            generation = parse_request(kind, {"prompt": "a red fox", "project_id": "p"})
            workflow = build_workflow(generation)
            for number in range(2, len(workflow) + 1):
                with self.subTest(kind, node=number):
                    source = workflow[str(number)]["inputs"]["source"]
                    self.assertEqual(source, [str(number - 1), 0])


class ReuseTest(unittest.TestCase):
    def reused(self, optimisations: set[str], *prompts: str) -> list[list[str]]:
        """Return the classes of the nodes that each of the runs reused."""

        async def run_all() -> list[list[str]]:
            comfyui = ComfyUI(frozenset(optimisations))
            found = []
            for prompt in prompts:
                generation = parse_request("image", {"prompt": prompt, "project_id": "p"})
                runs = await comfyui.run(generation)
                found.append([run.class_type for run in runs if run.reused])
            return found

        return asyncio.run(run_all())

    def test_nothing_is_reused_unless_asked_for(self) -> None:
        self.assertEqual(self.reused(set(), "a", "a"), [[], []])

    def test_a_model_stays_loaded(self) -> None:
        self.assertEqual(self.reused({"keep_models"}, "a", "b"), [[], ["CheckpointLoaderSimple"]])

    def test_only_the_same_prompt_is_reused(self) -> None:
        self.assertEqual(
            self.reused({"reuse_prompts"}, "a", "b", "a"), [[], [], ["CLIPTextEncode"]]
        )
