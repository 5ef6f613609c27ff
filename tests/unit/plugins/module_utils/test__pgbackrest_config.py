# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Dict, List

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._pg_server import PgError
from ansible_collections.phased.rollout.plugins.module_utils._pgbackrest_config import (
    check_stanza,
    load_settings,
    plain,
    read_settings,
    to_repository,
)

SSH = ["-o", "BatchMode=yes", "-o", "LogLevel=error"]


def test_a_stanza_goes_before_what_is_global() -> None:
    text = "[global]\npg1-port=1\nrepo1-path=/a%b = c\n[main]\npg1-port=2\n[other]\npg1-port=3\n"
    assert read_settings([text], "main") == {"pg1-port": "2", "repo1-path": "/a%b = c"}


def test_a_later_file_goes_before_an_earlier_one_and_the_environment_before_all(
    tmp_path: Path,
) -> None:
    texts = ["[main]\npg1-port=1\n", "[main]\npg1-port=2\n[main]\npg1-user=u\n"]
    assert read_settings(texts, "main") == {"pg1-port": "2", "pg1-user": "u"}
    file = tmp_path / "pgbackrest.conf"
    file.write_text(texts[0])
    environment = {"PGBACKREST_PG1_PORT": "3", "HOME": "/"}
    assert load_settings("main", str(file), environment) == {"pg1-port": "3"}


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "No such file"), ("pg1-path=/x\n", "cannot be read")],
    ids=["there is none", "it has no section"],
)
def test_a_configuration_that_cannot_be_read_is_an_error(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "pgbackrest.conf"
    if text:
        file.write_text(text)
    with pytest.raises(PgError, match=says):
        load_settings("main", str(file), {})


@pytest.mark.parametrize(
    ("settings", "argv"),
    [
        pytest.param({}, [], id="the repository is here"),
        pytest.param(
            {"repo1-host": "vault"},
            ["ssh", *SSH, "pgbackrest@vault", "pgbackrest"],
            id="on another host",
        ),
        pytest.param(
            {
                "repo1-host": "vault",
                "repo1-host-user": "backup",
                "repo1-host-port": "2222",
                "repo1-host-cmd": "/opt/pgbackrest",
                "repo1-host-config": "/etc/b.conf",
                "cmd-ssh": "/usr/bin/ssh",
            },
            [
                *("/usr/bin/ssh", *SSH, "-p", "2222", "backup@vault"),
                *("/opt/pgbackrest", "--config=/etc/b.conf"),
            ],
            id="with everything stated",
        ),
    ],
)
def test_the_way_to_the_repository_is_the_one_that_pgbackrest_takes(
    settings: Dict[str, str], argv: List[str]
) -> None:
    assert to_repository(settings) == argv


def test_a_way_that_carries_no_command_is_an_error() -> None:
    with pytest.raises(PgError, match="by tls only; give repository_command"):
        to_repository({"repo1-host": "vault", "repo1-host-type": "tls"})


@pytest.mark.parametrize("word", ["", "a b", "a;b", "$(id)", "a'b", "a\nb", "*", "~"])
def test_what_a_shell_would_change_does_not_go_to_another_host(word: str) -> None:
    with pytest.raises(PgError, match="cannot be handed"):
        plain(["--annotation=label=one", word])


@pytest.mark.parametrize("name", ["", "-x", "a b", "../a", "a;b"])
def test_a_stanza_has_a_plain_name(name: str) -> None:
    with pytest.raises(PgError, match="not usable"):
        check_stanza(name)
