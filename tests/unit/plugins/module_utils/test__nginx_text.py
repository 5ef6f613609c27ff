# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    Backend,
    BackendError,
)
from ansible_collections.phased.rollout.plugins.module_utils._nginx_text import (
    read_upstream,
    write_upstream,
)

BACKENDS = [
    Backend("prod1", "prod1:8000", "max_fails=0", "in", 95),
    Backend("prod2", "prod2:8000", "", "out", 5),
]
WRITTEN = """\
# Written by phased.rollout whenever it moves traffic.
upstream tower {
    keepalive 16;
    server prod1:8000 weight=95 max_fails=0;  # prod1
    server prod2:8000 weight=5 down;  # prod2
}
"""


def test_what_is_written_is_what_nginx_reads():
    assert write_upstream("tower", BACKENDS, ["keepalive 16;"]) == WRITTEN


def test_what_was_written_is_read_again():
    found = read_upstream(WRITTEN, "tower")
    assert {address: (one.state, one.weight) for address, one in found.items()} == {
        "prod1:8000": ("in", 95),
        "prod2:8000": ("out", 5),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="an empty file"),
        pytest.param("# upstream other { server a:1; }\n", {}, id="only a comment"),
        pytest.param("upstream tower { server a; }", {"a:80": ("in", 1)}, id="no port is 80"),
        pytest.param(
            "upstream tower {\n  server a:1 down backup; # server b:2;\n}",
            {"a:1": ("out", 1)},
            id="by hand, with a comment",
        ),
    ],
)
def test_what_a_person_wrote_is_read(text, expected):
    found = read_upstream(text, "tower")
    assert {address: (one.state, one.weight) for address, one in found.items()} == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("upstream other { server a:1; }", id="another upstream"),
        pytest.param("upstream tower { } server { listen 80; }", id="a server beside it"),
        pytest.param("upstream tower { } upstream tower { }", id="twice"),
        pytest.param("upstream tower { server a:1;", id="cut off"),
    ],
)
def test_a_file_that_is_not_ours_alone_is_refused(text):
    with pytest.raises(BackendError, match="move the rest to a file of its own"):
        read_upstream(text, "tower")


def test_a_name_that_would_be_more_than_a_name_is_refused():
    with pytest.raises(BackendError):
        write_upstream("tower { }", BACKENDS, [])
