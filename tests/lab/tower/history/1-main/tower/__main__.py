# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the service: python3 -m tower."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from tower.config import ConfigurationError, read_settings
from tower.database import SchemaError
from tower.process import serve
from tower.service import Service

LOG = logging.getLogger("tower")


def main() -> int:
    """Return the exit status: 0 after a stop, 1 if the service could not run."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings(os.environ, Path.cwd())
        application = Service(settings).application()
        LOG.info("release %s will listen on port %s", settings.release, settings.port)
        asyncio.run(serve(application, settings.port))
    except (ConfigurationError, SchemaError, OSError) as exc:
        LOG.error("cannot run: %s", exc)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
