# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run migrations against the database in DATABASE_URL: alembic upgrade head."""

from __future__ import annotations

import os
from logging.config import fileConfig

from alembic import context
from alembic.util import CommandError
from sqlalchemy import create_engine, pool

# A migration that waits for a lock makes everybody behind it wait: rather give up soon.
SESSION_OPTIONS = "-c lock_timeout=3s -c statement_timeout=60s"


def database_url() -> str:
    """Return the URL with the driver that SQLAlchemy is to use. Raises CommandError."""
    scheme, separator, rest = os.environ.get("DATABASE_URL", "").partition("://")
    if not separator or scheme not in {"postgresql", "postgres"}:
        raise CommandError(
            "DATABASE_URL must be set to postgresql://user:password@host:port/database"
        )
    return f"postgresql+psycopg2://{rest}"


def run_migrations() -> None:
    """Run all migrations in one transaction: either all of them happen, or none."""
    engine = create_engine(
        database_url(),
        poolclass=pool.NullPool,
        connect_args={"connect_timeout": 5, "options": SESSION_OPTIONS},
    )
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.config.config_file_name is not None:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
run_migrations()
