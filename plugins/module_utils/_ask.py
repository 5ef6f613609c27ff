# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a service over HTTP what it says of itself; no answer is an answer too.

This module util is PRIVATE to the collection. It runs on managed hosts: standard library only.
"""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any, Dict, NamedTuple
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url

#: Enough to read a reason; a service that does not stop talking must not fill memory.
MOST_BYTES = 64 * 1024


class Answer(NamedTuple):
    """What a service answered. status: 0 if it did not; text: its body, or why there is none."""

    status: int
    text: str

    @property
    def facts(self) -> Dict[str, Any]:
        """Return the body as an object, an empty one if it is none."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def __str__(self) -> str:
        """Return what a person should read of it."""
        return f"{self.status} {self.text[:300].strip()}".strip() if self.status else self.text


def ask(url: str, timeout_seconds: float) -> Answer:
    """Return what the service at url answers within a time, whatever its status."""
    try:
        with open_url(url, timeout=timeout_seconds, use_proxy=False, http_agent="rollout") as got:
            return Answer(got.status, got.read(MOST_BYTES).decode("utf-8", "replace"))
    except HTTPError as exc:
        return Answer(exc.code, exc.read(MOST_BYTES).decode("utf-8", "replace"))
    except (OSError, HTTPException, ValueError) as exc:
        return Answer(0, f"{url} does not answer: {getattr(exc, 'reason', None) or exc}")
