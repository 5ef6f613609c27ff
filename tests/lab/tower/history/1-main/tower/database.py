# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that talks to PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

# Everything that a database which is away, full, locked or changed can raise.
# InternalClientError is what asyncpg says when a connection dies in an unlucky moment.
DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class SchemaError(Exception):
    """The schema of the database does not serve this release."""


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that goes back to the pool as it is: nothing here changes its settings."""

    def get_reset_query(self) -> str:
        """Return nothing; the usual reset would cost every generation a round trip."""
        return ""


class Database:
    """A pool of connections; it needs no database to start, and finds one again."""

    def __init__(self, url: str, migrations: Path) -> None:
        """Use the database at url with the schema that migrations describe."""
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self.wanted_revision = newest_revision(migrations)

    async def start(self) -> None:
        """Prepare the pool; connections are made when they are needed."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=10,
            timeout=3,
            command_timeout=5,
            connection_class=Connection,
        )

    async def stop(self) -> None:
        """Close the connections, within a second."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), timeout=1)
        except TimeoutError:
            self._pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Give a connection for reading. Raises one of DATABASE_ERRORS."""
        if self._pool is None:
            raise asyncpg.InterfaceError("the pool has not been started")
        async with self._pool.acquire(timeout=3) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Give a connection in a transaction. Raises one of DATABASE_ERRORS."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def check_schema(self) -> str:
        """Return the revision of the schema.

        A newer schema serves as well: migrations only add, and they run before the release.
        Raises SchemaError if it is older than this release needs, or one of DATABASE_ERRORS.
        """
        async with self.connection() as connection:
            table = await connection.fetchval("SELECT to_regclass('alembic_version')")
            revision = table and await connection.fetchval(
                "SELECT max(version_num) FROM alembic_version"
            )
        if revision is None or revision < self.wanted_revision:
            raise SchemaError(
                f"the schema is at {revision or 'nothing'}, "
                f"this release needs {self.wanted_revision}: run alembic upgrade head"
            )
        return str(revision)


def newest_revision(migrations: Path) -> str:
    """Return the newest revision of the migrations, whose files are named by it: 0001_….py.

    Raises SchemaError if there is none.
    """
    revisions = [path.name[:4] for path in migrations.glob("[0-9][0-9][0-9][0-9]_*.py")]
    if not revisions:
        raise SchemaError(f"{migrations} holds no migration")
    return max(revisions)
