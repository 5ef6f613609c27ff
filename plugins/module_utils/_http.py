# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam to HTTP: everything that speaks it goes through here.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from functools import cache
from http.client import HTTPException
from http.cookiejar import CookieJar
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

from ansible.module_utils.urls import make_context

_MAKING_CONTEXT = threading.Lock()


class NoAnswerError(Exception):
    """A request got no answer. The message says why, and holds no password and no header."""


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
    headers: Optional[Mapping[str, str]] = None,
    ca_cert: Optional[str] = None,
    cookies: Optional[CookieJar] = None,
    shown: Optional[str] = None,
) -> Answer:
    """Return the answer, whatever its status. Redirects are answers too, and not followed.

    ca_cert: file of the authorities to trust instead of the system's. cookies: where they are
    kept between requests. shown: what messages call the URL, where that holds a secret.
    Raises NoAnswerError.
    """
    shown = f"{method} {without_password(shown or url)}"
    bare_url, credentials = _without_credentials(url)
    given = {"User-Agent": "phased.rollout", **credentials, **(headers or {})}
    for name, value in given.items():
        if not is_sendable(f"{name}{value}"):
            raise NoAnswerError(
                f"{shown} was not sent: header {name!r} holds a line break or another character"
                " that a header must not have"
            )
    try:
        # Not install_opener: it is shared by all threads, which trust other authorities.
        opener = build_opener(HTTPSHandler(context=tls_context(ca_cert)), _NoRedirects)
        if cookies is not None:
            opener.add_handler(HTTPCookieProcessor(cookies))
        data = None if body is None else body.encode()
        request = Request(bare_url, data=data, headers=given, method=method)
        started = time.perf_counter()
        try:
            response: Any = opener.open(request, timeout=timeout_seconds)
        except HTTPError as exc:
            response = exc
        with response:
            content: bytes = response.read()
            return Answer(response.status, content, time.perf_counter() - started)
    except (OSError, HTTPException, ValueError) as exc:
        why = exc.reason if isinstance(exc, URLError) else exc
        text = str(why).replace(url, shown).replace(bare_url, shown) or type(exc).__name__
        raise NoAnswerError(f"{shown} got no answer: {text}") from None


def tls_context(ca_cert: Optional[str]) -> Any:
    """Return the TLS context that trusts a CA file's authorities, or the system's.

    It is kept, because making it takes 40 ms, which must not count as latency.
    Raises OSError if the file cannot be used.
    """
    # Without the lock, sources that start together would each make one, and wait for all.
    with _MAKING_CONTEXT:
        return _made_context(ca_cert)


@cache
def _made_context(ca_cert: Optional[str]) -> Any:
    try:
        return make_context(cafile=ca_cert)
    except OSError as exc:
        raise OSError(f"the CA file {ca_cert} cannot be used: {exc.strerror or exc}") from None


def is_sendable(header: str) -> bool:
    """Return whether a header may be sent: a line break in it would be the next header."""
    return re.fullmatch(r"[\x20-\x7e\x80-\xff\t]*", header) is not None


def without_password(url: str) -> str:
    """Return the URL without the user and password it may hold."""
    return re.sub(r"//[^/?#]*@", "//", url)


def _without_credentials(url: str) -> Tuple[str, Dict[str, str]]:
    """Return the URL without its user and password, and the header that carries them."""
    credentials, found, host = urlsplit(url).netloc.rpartition("@")
    if not found:
        return url, {}
    token = base64.b64encode(unquote(credentials).encode()).decode()
    return url.replace(f"{credentials}@{host}", host, 1), {"Authorization": f"Basic {token}"}


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Return None, which makes the redirect the answer."""
