# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Echo Brain: python3 -m echo_brain."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from echo_brain.service import EchoBrain
from tower.process import serve

# Only the service on the same host consults it.
HOST = "127.0.0.1"


def main() -> int:
    """Return the exit status: 0 after a stop, 1 if it could not run."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    port = os.environ.get("ECHO_BRAIN_PORT", "8100")
    state = os.environ.get("ECHO_BRAIN_STATE") or (
        f"{os.environ.get('STATE_DIRECTORY', '.')}/echo_brain.json"
    )
    if not (port.isdigit() and 0 < int(port) < 65536):
        logging.error("cannot run: ECHO_BRAIN_PORT must be a port, got %r", port)
        return 1
    try:
        asyncio.run(serve(EchoBrain(Path(state)).application(), int(port), HOST))
    except OSError as exc:
        logging.error("cannot run: %s", exc)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
