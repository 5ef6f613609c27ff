# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam to HTTP: everything that speaks it goes through here.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from http.client import HTTPException
from http.cookiejar import CookieJar
from typing import Any, NamedTuple, Optional
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import ConnectionError as AnsibleConnectionError
from ansible.module_utils.urls import Request, make_context


class NoAnswerError(Exception):
    """A request got no answer. The message says why, and holds no password."""


class Answer(NamedTuple):
    """An answer of any status. seconds: from sending the request to the last byte of the body."""

    status: int
    body: bytes
    seconds: float


def fetch(
    url: str,
    *,
    timeout_seconds: float,
    method: str = "GET",
    body: Optional[str] = None,
    content_type: Optional[str] = None,
) -> Answer:
    """Return the answer, whatever its status. Redirects are answers too, and not followed.

    Raises NoAnswerError.
    """
    session = _session()
    started = time.perf_counter()
    try:
        response = session.open(
            method,
            url,
            data=None if body is None else body.encode(),
            headers={"Content-Type": content_type} if content_type else None,
            timeout=timeout_seconds,
            cookies=CookieJar(),
        )
    except HTTPError as exc:
        response = exc
    except (AnsibleConnectionError, OSError, HTTPException, ValueError) as exc:
        raise _no_answer(method, url, exc) from None
    try:
        with response:
            content: bytes = response.read()
    except (OSError, HTTPException) as exc:
        raise _no_answer(method, url, exc) from None
    return Answer(response.code, content, time.perf_counter() - started)


@lru_cache(maxsize=1)
def _session() -> Any:
    """Return what open_url makes anew for every request.

    Loading the system's certificates takes it 40 ms, which must not count as latency. A password
    in a URL goes into a header: as a handler it would be shared with the other threads' requests.
    """
    return Request(
        context=make_context(),
        force_basic_auth=True,
        follow_redirects="none",
        http_agent="phased.rollout",
    )


def without_password(url: str) -> str:
    """Return the URL without the user and password it may hold."""
    return re.sub(r"//[^/?#]*@", "//", url)


def _no_answer(method: str, url: str, exc: Exception) -> NoAnswerError:
    why = exc.reason if isinstance(exc, URLError) else exc
    text = str(why).replace(url, without_password(url)) or type(exc).__name__
    return NoAnswerError(f"{method} {without_password(url)} got no answer: {text}")
