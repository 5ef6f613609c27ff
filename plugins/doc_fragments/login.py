# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules reach a PostgreSQL database, with the option names of community.postgresql."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that `_login.py` reads."""

    DOCUMENTATION = r"""
options:
  login_host:
    description: Host of the database server. Without it the server's socket on this host is used.
    type: str
  login_port:
    description: Port of the database server.
    type: int
    default: 5432
  login_user:
    description: Role to connect as. Without it the name of the system user is used.
    type: str
  login_password:
    description: Password of O(login_user).
    type: str
  login_db:
    description: Name of the database.
    type: str
  ssl_mode:
    description:
      - Whether the connection is encrypted, and how far the server's certificate is checked.
      - Only V(verify-full) proves that this is the right server.
    type: str
    default: prefer
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File with the certificates of the authorities that the server is checked against.
    type: path
"""
