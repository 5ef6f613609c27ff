# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_copies import Copy
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


@pytest.mark.parametrize(
    "host", ["vault", "backup-copy@vault", "backup_1@10.0.0.7", "v.example.org"]
)
def test_a_host_as_ssh_knows_it(host: str) -> None:
    assert Copy.of({"host": host, "directory": "/srv/backups"}).host == host


@pytest.mark.parametrize(
    "host", ["", "-oProxyCommand=x", "a b", "a@-oX=y", "vault:/etc", "a@b@c", "rsync://x", "a;b"]
)
def test_what_ssh_would_take_for_something_else_is_refused(host: str) -> None:
    with pytest.raises(PgError, match="is no name of a host"):
        Copy.of({"host": host, "directory": "/srv/backups"})


@pytest.mark.parametrize("directory", ["", "srv", "~/backups", "./x"])
def test_a_directory_must_say_where_it_is(directory: str) -> None:
    with pytest.raises(PgError, match="must start with a slash"):
        Copy.of({"host": "vault", "directory": directory})


@pytest.mark.parametrize(
    ("directory", "path"), [("/srv", "/srv/a"), ("/srv/", "/srv/a"), ("/", "/a")]
)
def test_where_a_copy_is(directory: str, path: str) -> None:
    copy = Copy("vault", directory)
    assert copy.summary("a", verified=True) == {"host": "vault", "path": path, "verified": True}
