# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an application as a process that systemd looks after."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.web import Application

# systemd kills after 5 s (TimeoutStopSec); the longest generation takes 0.25 s.
SHUTDOWN_SECONDS = 2.0


def notify(state: str) -> None:
    """Tell systemd about this process, where systemd asked to be told."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), address)


async def serve(application: Application, port: int, host: str | None = None) -> None:
    """Listen until told to stop, then answer what has been accepted.

    host: the address to listen on, None for all of them. Raises OSError if the port is taken.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port, shutdown_timeout=SHUTDOWN_SECONDS, backlog=512)
    await site.start()
    notify("READY=1")
    await stop.wait()
    notify("STOPPING=1")
    await runner.cleanup()
