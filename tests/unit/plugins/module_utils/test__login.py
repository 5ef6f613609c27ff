# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from yaml import safe_load

from ansible_collections.phased.rollout.plugins.doc_fragments.login import ModuleDocFragment
from ansible_collections.phased.rollout.plugins.module_utils._login import (
    LOGIN_ARGUMENT_SPEC,
    Login,
)


def test_the_password_is_in_no_text() -> None:
    login = Login(host="db", user="reader", password="s3cret", database="tower")
    assert "s3cret" not in f"{login} {login!r}"
    assert str(login) == "database tower on db:5432 as reader"


def test_libpq_gets_only_what_was_given() -> None:
    assert Login(database="tower").libpq() == {
        "port": 5432,
        "dbname": "tower",
        "sslmode": "prefer",
    }


def test_the_fragment_documents_the_options() -> None:
    documented = safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert documented.keys() == LOGIN_ARGUMENT_SPEC.keys()
    assert LOGIN_ARGUMENT_SPEC["login_password"]["no_log"]
