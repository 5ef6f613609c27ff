# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both front ends send to prod1 alone, whatever was refused meanwhile, and after a restart too."""

from __future__ import annotations

import json
from typing import Any

import pytest

testinfra_hosts = ["ansible://rollout_frontend"]
FRONT_ENDS = {"nginx": 80, "haproxy": 8080}
FILES = {"nginx": "/etc/nginx/conf.d/tower-upstream.conf", "haproxy": "/etc/haproxy/tower.cfg"}


def served(host: Any, port: int) -> set[str]:
    """Return the hosts that answered twenty requests, by the process that each of them counts."""
    command = (
        "for _ in $(seq 20); do curl -sf http://127.0.0.1:%s/metrics | grep ^process_start; done"
    )
    return set(host.check_output("sh -c %s", command % port).splitlines())


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_one_host_gets_all_the_traffic(host: Any, front_end: str) -> None:
    assert len(served(host, FRONT_ENDS[front_end])) == 1


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_the_file_keeps_it_for_a_restart(root: Any, front_end: str) -> None:
    lines = root.file(FILES[front_end]).content_string.splitlines()
    servers = [line.rstrip(";").split() for line in lines if line.strip().startswith("server")]
    out = {"nginx": "down", "haproxy": "disabled"}[front_end]
    listed = [any(word.startswith(out) for word in words) for words in servers]
    assert listed == [False, True, True, True]


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_restart_keeps_it(root: Any, front_end: str) -> None:
    root.check_output(f"systemctl restart {front_end}")
    assert len(served(root, FRONT_ENDS[front_end])) == 1


def test_the_socket_of_haproxy_says_the_same(root: Any) -> None:
    text = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/admin.sock');"
    text += r" s.sendall(b'show servers state tower\n'); print(s.makefile().read())"
    rows = root.check_output("python3 -c %s", text).splitlines()[2:]
    admin = {row.split()[3]: int(row.split()[6]) for row in rows if row.strip()}
    assert admin["prod1-blue"] == 0
    assert all(admin[name] for name in ("prod1-green", "prod2-blue", "prod2-green"))


def test_the_application_is_as_it_was(host: Any) -> None:
    assert json.loads(host.check_output("curl -sf http://127.0.0.1/health"))["status"] == "ok"
