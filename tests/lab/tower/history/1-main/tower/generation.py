# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client may ask for, and what becomes of it."""

from __future__ import annotations

import re
import uuid
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tower.comfyui import NodeRun

PROJECT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PROMPT_LIMIT = 2000


class InvalidRequestError(Exception):
    """The client asked for something that cannot be generated."""


@dataclass(frozen=True)
class Parameters:
    """How a model is asked to generate; steps and cfg_scale can be tuned."""

    model: str
    sampler: str
    steps: int
    cfg_scale: float
    seed: int = 0


DEFAULTS = {
    "image": Parameters(model="anime-xl-1.0", sampler="dpmpp_2m", steps=20, cfg_scale=5.0),
    "video": Parameters(model="anime-motion-0.9", sampler="euler", steps=16, cfg_scale=4.5),
    "upscale": Parameters(model="esrgan-anime-4x", sampler="none", steps=8, cfg_scale=3.0),
}
KINDS = tuple(DEFAULTS)


@dataclass
class Generation:
    """One generation, from the request to the row that is kept of it."""

    kind: str
    prompt: str
    project_id: str
    parameters: Parameters
    generation_id: uuid.UUID = field(default_factory=uuid.uuid4)
    succeeded: bool = False
    runs: list[NodeRun] = field(default_factory=list)
    # What the features wrote in the transaction that keeps the generation.
    recorded: set[str] = field(default_factory=set)


def parse_request(kind: str, body: Any) -> Generation:
    """Return the generation that a request's JSON body asks for.

    Raises InvalidRequestError, whose text is meant for the client.
    """
    if not isinstance(body, dict):
        raise InvalidRequestError("the body must be a JSON object with prompt and project_id")
    prompt = _text(body, "prompt")
    project_id = _text(body, "project_id")
    if not prompt.strip() or len(prompt) > PROMPT_LIMIT:
        raise InvalidRequestError(
            f"prompt must have 1 to {PROMPT_LIMIT} characters, got {len(prompt)}"
        )
    if not PROJECT_ID.fullmatch(project_id):
        raise InvalidRequestError(
            "project_id must be 1 to 64 letters, digits, dots, dashes or underscores, "
            f"got {project_id!r}"
        )
    seed = zlib.crc32(prompt.encode())
    defaults = DEFAULTS[kind]
    parameters = Parameters(
        defaults.model, defaults.sampler, defaults.steps, defaults.cfg_scale, seed
    )
    return Generation(kind, prompt, project_id, parameters)


def _text(body: dict[str, Any], name: str) -> str:
    """Return a text that the database can hold."""
    text = body.get(name)
    if not isinstance(text, str):
        raise InvalidRequestError(f"{name} must be a string, got {type(text).__name__}")
    # PostgreSQL stores neither the NUL character nor half a surrogate pair.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidRequestError(f"{name} holds a character that is no text")
    return text
