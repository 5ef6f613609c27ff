# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: eight hosts with systemd and ssh for demonstrations and tests, on this machine."""

from __future__ import annotations

import argparse
import sys

from . import commands
from .settings import LabError, host_named


def parse() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    todo = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    todo.add_parser("up", help="start the lab; does nothing to one that is up")
    down = todo.add_parser("down", help="remove the lab; its images stay for the next one")
    down.add_argument("--all", action="store_true", help="remove the images as well")
    todo.add_parser("status", help="show the hosts and what they serve")
    todo.add_parser("reset", help="start all hosts as they were at first")
    for name, text in (
        ("ssh", "log in to a host, or run a command on it"),
        ("logs", "show a host's journal; takes journalctl's options"),
        ("kill", "stop a host as a power cut would; `up` starts it again"),
    ):
        command = todo.add_parser(name, help=text)
        command.add_argument("host")
        if name != "kill":
            command.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args()


def run(asked: argparse.Namespace) -> int:
    """Do what was asked for and return the exit status."""
    if asked.command == "status":
        return commands.status()
    if asked.command == "up":
        commands.up()
    elif asked.command == "down":
        commands.down(everything=asked.all)
    elif asked.command == "reset":
        commands.reset()
    elif asked.command == "ssh":
        commands.ssh(host_named(asked.host), asked.arguments)
    elif asked.command == "logs":
        commands.logs(host_named(asked.host), asked.arguments)
    elif asked.command == "kill":
        commands.kill(host_named(asked.host))
    return 0


def main() -> int:
    """Return the exit status."""
    try:
        return run(parse())
    except LabError as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; run `up` again to finish", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
