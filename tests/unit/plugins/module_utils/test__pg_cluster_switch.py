# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_cluster_switch import (
    _options_of,
    switch_of,
)
from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param(None, "", id="it was never started"),
        pytest.param('/bin/postgres "-D" "/data"\n', "", id="with the directory only"),
        pytest.param(
            '/bin/postgres "-D" "/data" "-c" "config_file=/etc/a b.conf"\n',
            "-c 'config_file=/etc/a b.conf'",
            id="with options",
        ),
        pytest.param('/bin/postgres "-p" "$HOME"\n', "-p '$HOME'", id="with something for a shell"),
    ],
)
def test_a_server_is_started_again_as_it_was(tmp_path: Path, text: str, options: str) -> None:
    if text:
        (tmp_path / "postmaster.opts").write_text(text)
    assert _options_of(tmp_path) == options


def test_only_root_may_touch_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(PgError, match="only root may start and stop the service postgresql"):
        switch_of(tmp_path, tmp_path, "postgresql@15-main")
