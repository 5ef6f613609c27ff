# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._backends import (
    Backend,
    BackendError,
)
from ansible_collections.phased.rollout.plugins.module_utils._haproxy_text import (
    read_running,
    read_section,
    read_sessions,
    write_section,
)

BACKENDS = [
    Backend("prod1", "prod1:8000", "check", "in", 95),
    Backend("prod2", "prod2:8000", "", "out", 5),
]
WRITTEN = """\
# Written by phased.rollout whenever it moves traffic.
backend tower
    balance roundrobin
    server prod1 prod1:8000 weight 95 check
    server prod2 prod2:8000 weight 5 disabled
"""
HEADER = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight"
STATE = HEADER + " srv_fqdn srv_port\n3 tower 1 prod1 10.0.0.2 2 {admin} 95 prod1 8000\n"


def test_what_is_written_is_what_haproxy_reads():
    assert write_section("tower", BACKENDS, ["balance roundrobin"]) == WRITTEN


def test_what_was_written_is_read_again():
    found = read_section(WRITTEN, "tower")
    assert {address: (one.state, one.weight) for address, one in found.items()} == {
        "prod1:8000": ("in", 95),
        "prod2:8000": ("out", 5),
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("backend other\n server a a:1\n", id="another backend"),
        pytest.param("backend tower\nfrontend x\n", id="a frontend beside it"),
        pytest.param("server a a:1\n", id="no section"),
    ],
)
def test_a_file_that_is_not_ours_alone_is_refused(text):
    with pytest.raises(BackendError, match="move the rest to a file of its own"):
        read_section(text, "tower")


@pytest.mark.parametrize(
    ("admin", "taken"),
    [
        pytest.param(0, True, id="ready"),
        pytest.param(8, False, id="drained"),
        pytest.param(1, False, id="in maintenance"),
        pytest.param(5, False, id="disabled in the configuration"),
        pytest.param(4, True, id="disabled in the configuration, and made ready since"),
        pytest.param(32, False, id="its name has no address"),
    ],
)
def test_the_socket_says_who_gets_sessions(admin, taken):
    found = read_running(STATE.format(admin=admin))["prod1"]
    assert (found.address, found.taken, found.weight) == ("prod1:8000", taken, 95)


@pytest.mark.parametrize("text", [pytest.param("", id="nothing"), pytest.param("1\n", id="none")])
def test_a_socket_that_names_no_server_is_no_good(text):
    with pytest.raises(BackendError, match="names no server"):
        read_running(text)


def test_sessions_are_counted_by_server():
    text = "# pxname,svname,qcur,scur\ntower,prod1,0,3\ntower,BACKEND,0,3\nother,prod1,0,9\n"
    assert read_sessions(text, "tower") == {"prod1": 3}
