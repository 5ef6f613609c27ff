# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a PostgreSQL database: the options, as the fragment phased.rollout.login has them.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional

SSL_MODES = ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"]
LOGIN_ARGUMENT_SPEC: Dict[str, Any] = {
    "login_host": {"type": "str"},
    "login_port": {"type": "int", "default": 5432},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_db": {"type": "str"},
    "ssl_mode": {"type": "str", "default": "prefer", "choices": SSL_MODES},
    "ca_cert": {"type": "path"},
}


@dataclass(frozen=True)
class Login:
    """Where a database server is and as whom to connect. None leaves it to libpq."""

    host: Optional[str] = None
    port: int = 5432
    user: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)
    database: Optional[str] = None
    ssl_mode: str = "prefer"
    ca_cert: Optional[str] = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Login:
        """Return the login that a module's parameters state."""
        return cls(
            host=params["login_host"],
            port=params["login_port"],
            user=params["login_user"],
            password=params["login_password"],
            database=params["login_db"],
            ssl_mode=params["ssl_mode"],
            ca_cert=params["ca_cert"],
        )

    def libpq(self) -> Dict[str, Any]:
        """Return the login as the keywords of libpq, for psycopg2.connect."""
        given = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
            "sslmode": self.ssl_mode,
            "sslrootcert": self.ca_cert,
        }
        return {name: value for name, value in given.items() if value not in (None, "")}

    def __str__(self) -> str:
        """Return the login for messages; without the password."""
        user = f" as {self.user}" if self.user else ""
        return f"database {self.database} on {self.host or 'the local socket'}:{self.port}{user}"
