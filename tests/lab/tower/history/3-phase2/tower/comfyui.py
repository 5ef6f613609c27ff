# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for ComfyUI: builds the workflow of a generation and takes the time it would take.

An optimisation lets nodes of some classes give again what they gave before for the same inputs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
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


# What each optimisation reuses.
OPTIMISATIONS: dict[str, frozenset[str]] = {
    "keep_models": frozenset({"CheckpointLoaderSimple", "UpscaleModelLoader"}),
    "reuse_prompts": frozenset({"CLIPTextEncode"}),
}
REMEMBERED = 256


@dataclass(frozen=True)
class NodeRun:
    """How long one node of a workflow took."""

    node: str
    class_type: str
    seconds: float
    reused: bool = False


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

    def __init__(self, optimisations: frozenset[str] = frozenset()) -> None:
        """Reuse what these optimisations allow to reuse."""
        self._reusable = frozenset().union(*(OPTIMISATIONS[name] for name in optimisations))
        self._remembered: OrderedDict[str, None] = OrderedDict()

    async def run(self, generation: Generation) -> list[NodeRun]:
        """Return how long each node took, measured; takes as long as they do together."""
        runs = []
        nodes = build_workflow(generation)
        # Sleeping until a point in time, not for a time, keeps the total exact.
        started = until = time.monotonic()
        for number, (class_type, seconds) in enumerate(NODES[generation.kind], start=1):
            reused = self._reuse(nodes[str(number)])
            if not reused:
                until += seconds
                await asyncio.sleep(until - time.monotonic())
            ended = time.monotonic()
            runs.append(NodeRun(str(number), class_type, ended - started, reused))
            started = ended
        return runs

    def _reuse(self, node: dict[str, Any]) -> bool:
        """Return whether what the node gives is remembered; it is from now on, if it may be."""
        if node["class_type"] not in self._reusable:
            return False
        key = node_key(node)
        known = key in self._remembered
        self._remembered[key] = None
        self._remembered.move_to_end(key)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return known


def node_key(node: dict[str, Any]) -> str:
    """Return what two nodes have in common exactly when they give the same."""
    return json.dumps([node["class_type"], node["inputs"]], sort_keys=True)
