# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for ComfyUI: builds the workflow of a generation and takes the time it would take."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tower.generation import Generation

# The nodes of each workflow, in order, with the seconds that each one takes.
NODES: dict[str, tuple[tuple[str, float], ...]] = {
    "image": (
        ("CheckpointLoaderSimple", 0.030),
        ("CLIPTextEncode", 0.015),
        ("KSampler", 0.090),
        ("VAEDecode", 0.015),
    ),
    "video": (
        ("CheckpointLoaderSimple", 0.050),
        ("CLIPTextEncode", 0.015),
        ("KSampler", 0.145),
        ("VAEDecode", 0.025),
        ("VideoCombine", 0.015),
    ),
    "upscale": (
        ("UpscaleModelLoader", 0.020),
        ("LoadImage", 0.010),
        ("ImageUpscaleWithModel", 0.060),
        ("SaveImage", 0.010),
    ),
}


@dataclass(frozen=True)
class NodeRun:
    """How long one node of a workflow took."""

    node: str
    class_type: str
    seconds: float


def build_workflow(generation: Generation) -> dict[str, Any]:
    """Return the workflow in ComfyUI's API format: node number to class and inputs."""
    workflow: dict[str, Any] = {}
    for number, (class_type, _seconds) in enumerate(NODES[generation.kind], start=1):
        inputs = _inputs(class_type, generation)
        if number > 1:
            inputs["source"] = [str(number - 1), 0]
        workflow[str(number)] = {"class_type": class_type, "inputs": inputs}
    return workflow


def _inputs(class_type: str, generation: Generation) -> dict[str, Any]:
    parameters = generation.parameters
    if class_type in {"CheckpointLoaderSimple", "UpscaleModelLoader"}:
        return {"model": parameters.model}
    if class_type == "CLIPTextEncode":
        return {"text": generation.prompt}
    if class_type in {"KSampler", "ImageUpscaleWithModel"}:
        return {
            "seed": parameters.seed,
            "steps": parameters.steps,
            "cfg": parameters.cfg_scale,
            "sampler_name": parameters.sampler,
        }
    return {}


class ComfyUI:
    """Runs workflows."""

    async def run(self, generation: Generation) -> list[NodeRun]:
        """Return how long each node took; takes as long as they do together."""
        runs = []
        # Sleeping until a point in time, not for a time, keeps the total exact.
        until = time.monotonic()
        for number, (class_type, seconds) in enumerate(NODES[generation.kind], start=1):
            until += seconds
            await asyncio.sleep(until - time.monotonic())
            runs.append(NodeRun(str(number), class_type, seconds))
        return runs
