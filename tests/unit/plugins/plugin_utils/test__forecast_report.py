# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Optional

import pytest

from ansible_collections.phased.rollout.plugins.plugin_utils._forecast_report import (
    MOST_CHARACTERS,
    code,
    fenced,
    report,
    table,
)


def change(name: str, state: str, conflicts: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "branch": f"feature/{name}",
        "owner": "",
        "state": state,
        "sha": "c" * 40 if state != "missing" else None,
        "conflicts": [{"path": path, "kind": "contents"} for path in conflicts],
        "files": ["f", *conflicts] if state in ("mergeable", "conflicting") else [],
        "ahead": 2,
        "behind": 1,
        **more,
    }


def forecast(
    changes: list[dict[str, Any]],
    clashes: Optional[dict[tuple[str, str], list[str]]] = None,
    **more: Any,
) -> dict[str, Any]:
    waiting = [c["id"] for c in changes if c["state"] in ("mergeable", "conflicting")]
    stops = [
        {"id": c["id"], "files": [conflict["path"] for conflict in c["conflicts"]]}
        for c in changes
        if c["conflicts"]
    ]
    pairs = [
        {
            "ids": list(ids),
            "conflicts": [{"path": path, "kind": "x"} for path in (clashes or {}).get(ids, [])],
        }
        for ids in combinations(waiting, 2)
    ]
    return {
        "base": {"ref": "main", "sha": "1234567890" * 4, "tree": "t"},
        "changes": changes,
        "chain": {
            "state": "conflicting" if stops else "mergeable",
            "tree": None,
            "conflicts": stops,
        },
        "pairs": pairs,
        "order": [c["id"] for c in changes],
        "order_conflicts": 0,
        "analysis": [],
        **more,
    }


def side(name: str, *commits: tuple[str, str], owner: str = "") -> dict[str, Any]:
    made = [
        {
            "sha": "d" * 40,
            "author": f"{author} <{author.lower()}@example.org>",
            "time": "2025-09-11T08:00:00Z",
            "subject": subject,
        }
        for author, subject in commits
    ]
    return {"id": name, "owner": owner, "commits": made}


OPENING = forecast(
    [
        change("pr-a", "conflicting", ["auth/state.py", "auth/user.py"], owner="security"),
        change("pr-b", "conflicting", ["agent/run.py"], owner="performance"),
        change("pr-c", "integrated"),
        change("pr-d", "integrated"),
        change("pr-e", "mergeable", owner="docs"),
        change("pr-f", "mergeable", owner="tests"),
        change("pr-g", "mergeable", owner="platform"),
        change("pr-h", "mergeable", owner="tooling"),
    ],
    {("pr-a", "pr-b"): ["agent/run.py"], ("pr-a", "pr-g"): ["Dockerfile", "compose.yml"]},
    order=["pr-b", "pr-c", "pr-d", "pr-e", "pr-f", "pr-g", "pr-h", "pr-a"],
    order_conflicts=1,
    analysis=[
        {
            "ids": ["main", "pr-b"],
            "owners": ["", "performance"],
            "files": [
                {
                    "path": "agent/run.py",
                    "kind": "contents",
                    "hunks": ["@@ line 7 @@\n def run():\n <<<<<<< main (12)\n+```\n-0\n+1"],
                    "sides": [
                        side("main", ("Ada", "Fix run")),
                        side("pr-b", ("Bea", "Tune"), ("Bea", "Use 3.11"), owner="performance"),
                    ],
                    "tests": ["tests/test_run.py", "tests/x.py"],
                }
            ],
        },
    ],
)

OPENING_REPORT = """\
# Merge forecast: 4 mergeable, 2 conflicting, 2 integrated

Onto `main` (`1234567890`), one after another: conflicting at `pr-a` in `auth/state.py`, `auth/user.py`; `pr-b` in `agent/run.py`.

| Mergeable | Conflicting | Integrated | Reverted | Missing |
| --------: | ----------: | ---------: | -------: | ------: |
|         4 |           2 |          2 |        0 |       0 |

## Changes

|   # | Change | Branch         | Owner         | State       | Ahead | Behind | Files | Conflicts |
| --: | ------ | -------------- | ------------- | ----------- | ----: | -----: | ----: | --------: |
|   1 | `pr-a` | `feature/pr-a` | `security`    | conflicting |     2 |      1 |     3 |         2 |
|   2 | `pr-b` | `feature/pr-b` | `performance` | conflicting |     2 |      1 |     2 |         1 |
|   3 | `pr-c` | `feature/pr-c` | –             | integrated  |     2 |      1 |     0 |         0 |
|   4 | `pr-d` | `feature/pr-d` | –             | integrated  |     2 |      1 |     0 |         0 |
|   5 | `pr-e` | `feature/pr-e` | `docs`        | mergeable   |     2 |      1 |     1 |         0 |
|   6 | `pr-f` | `feature/pr-f` | `tests`       | mergeable   |     2 |      1 |     1 |         0 |
|   7 | `pr-g` | `feature/pr-g` | `platform`    | mergeable   |     2 |      1 |     1 |         0 |
|   8 | `pr-h` | `feature/pr-h` | `tooling`     | mergeable   |     2 |      1 |     1 |         0 |

## Which changes conflict

|   # | Change | base | 1   | 2   | 3   | 4   | 5   | 6   | 7   | 8   |
| --: | ------ | ---- | --- | --- | --- | --- | --- | --- | --- | --- |
|   1 | `pr-a` | ✗2   |     | ✗1  | –   | –   | ·   | ·   | ✗2  | ·   |
|   2 | `pr-b` | ✗1   | ✗1  |     | –   | –   | ·   | ·   | ·   | ·   |
|   3 | `pr-c` | –    | –   | –   |     | –   | –   | –   | –   | –   |
|   4 | `pr-d` | –    | –   | –   | –   |     | –   | –   | –   | –   |
|   5 | `pr-e` | ·    | ·   | ·   | –   | –   |     | ·   | ·   | ·   |
|   6 | `pr-f` | ·    | ·   | ·   | –   | –   | ·   |     | ·   | ·   |
|   7 | `pr-g` | ·    | ✗2  | ·   | –   | –   | ·   | ·   |     | ·   |
|   8 | `pr-h` | ·    | ·   | ·   | –   | –   | ·   | ·   | ·   |     |

`·` fine, `✗N` N files in conflict, `–` not compared

## Recommended order

1. `pr-b`
2. `pr-c`
3. `pr-d`
4. `pr-e`
5. `pr-f`
6. `pr-g`
7. `pr-h`
8. `pr-a`

1 change has to be resolved against an earlier one.
"""  # noqa: E501, RUF001

OPENING_CONFLICTS = """
## Conflicts

### `main` and `pr-b`

#### `agent/run.py`: `contents`

- `main`: 1 commit
  - `dddddddddd` 2025-09-11 `Ada`: `Fix run`
- `pr-b`, owner `performance`: 2 commits
  - `dddddddddd` 2025-09-11 `Bea`: `Tune`
  - `dddddddddd` 2025-09-11 `Bea`: `Use 3.11`

````diff
@@ line 7 @@
 def run():
 <<<<<<< main (12)
+```
-0
+1
````

Tests to run: `tests/test_run.py`, `tests/x.py`
"""

FINE_REPORT = """\
# Merge forecast: 2 mergeable, 1 missing

Onto `main` (`1234567890`), one after another: mergeable.

| Mergeable | Conflicting | Integrated | Reverted | Missing |
| --------: | ----------: | ---------: | -------: | ------: |
|         2 |           0 |          0 |        0 |       1 |

## Changes

|   # | Change | Owner | State     | Ahead | Files | Conflicts |
| --: | ------ | ----- | --------- | ----: | ----: | --------: |
|   1 | `a`    | –     | mergeable |     2 |     1 |         0 |
|   2 | `b`    | –     | missing   |     – |     – |         – |
|   3 | `c`    | –     | mergeable |     2 |     1 |         0 |

## Which changes conflict

|   # | Change | base | 1   | 2   | 3   |
| --: | ------ | ---- | --- | --- | --- |
|   1 | `a`    | ·    |     | –   | ·   |
|   2 | `b`    | –    | –   |     | –   |
|   3 | `c`    | ·    | ·   | –   |     |

`·` fine, `✗N` N files in conflict, `–` not compared
"""  # noqa: RUF001

ONE_REPORT = """\
# Merge forecast: 1 reverted

Onto `main` (`1234567890`), one after another: mergeable.

| Mergeable | Conflicting | Integrated | Reverted | Missing |
| --------: | ----------: | ---------: | -------: | ------: |
|         0 |           0 |          0 |        1 |       0 |

## Changes

|   # | Change | Branch      | Owner | State    | Ahead | Behind | Files | Conflicts |
| --: | ------ | ----------- | ----- | -------- | ----: | -----: | ----: | --------: |
|   1 | `a`    | `feature/a` | –     | reverted |     2 |      1 |     0 |         0 |
"""  # noqa: RUF001


@pytest.mark.parametrize(
    ("given", "brief", "expected"),
    [
        pytest.param(OPENING, False, OPENING_REPORT + OPENING_CONFLICTS, id="plan B's opening"),
        pytest.param(
            forecast([change("a", "mergeable"), change("b", "missing"), change("c", "mergeable")]),
            True,
            FINE_REPORT,
            id="no conflict, in brief",
        ),
        pytest.param(forecast([change("a", "reverted")]), False, ONE_REPORT, id="one change"),
    ],
)
def test_report(given: dict[str, Any], brief: bool, expected: str) -> None:
    assert report(given, brief=brief) == expected


def test_a_brief_report_tells_no_conflict_in_detail() -> None:
    text = report(OPENING, brief=True)
    assert "## Recommended order" in text
    assert "## Conflicts" not in text
    assert max(map(len, text.partition("## Changes")[2].splitlines())) <= 90


def test_thirteen_changes_have_a_list_of_conflicts_instead_of_a_matrix() -> None:
    changes = [change(f"c{number}", "mergeable") for number in range(13)]
    clashes = {("c0", "c12"): ["a", "b"], ("c3", "c4"): [f"f{number}" for number in range(22)]}
    _before, _title, told = report(forecast(changes, clashes)).partition(
        "## Which changes conflict"
    )
    twenty = ", ".join(f"`f{number}`" for number in range(20))
    assert told == (
        f"\n\n- `c0` and `c12`: 2 files, `a`, `b`\n- `c3` and `c4`: 22 files, {twenty} and 2 more\n"
    )


def test_thirteen_changes_without_conflict_are_told_as_such() -> None:
    changes = [change(f"c{number}", "mergeable") for number in range(13)]
    assert report(forecast(changes)).endswith("\n\nNo two changes conflict.\n")


@pytest.mark.parametrize(
    ("order", "to_resolve", "said"),
    [
        pytest.param(["a", "b"], 0, "", id="nothing to say"),
        pytest.param(["a", "b"], None, "", id="nobody has looked"),
        pytest.param(
            ["a", "b"],
            2,
            "No order has fewer conflicts than the plan's:"
            " 2 changes have to be resolved against an earlier one.\n",
            id="the plan's is as good as any",
        ),
        pytest.param(
            ["b", "a"],
            0,
            "## Recommended order\n\n1. `b`\n2. `a`\n\n"
            "No change has to be resolved against an earlier one.\n",
            id="another one is better",
        ),
    ],
)
def test_order(order: list[str], to_resolve: Optional[int], said: str) -> None:
    changes = [change("a", "mergeable"), change("b", "mergeable")]
    text = report(forecast(changes, order=order, order_conflicts=to_resolve))
    assert text.partition("not compared\n")[2].lstrip("\n") == said


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("feature/x_y", "`feature/x_y`", id="as it is"),
        pytest.param("", "–", id="none"),  # noqa: RUF001
        pytest.param(None, "–", id="not given"),  # noqa: RUF001
        pytest.param(" ", "–", id="blank"),  # noqa: RUF001
        pytest.param("a`b``c", "```a`b``c```", id="backticks inside"),
        pytest.param("`a`", "`` `a` ``", id="backticks at the ends"),
        pytest.param(" a ", "`  a  `", id="blanks at the ends"),
        pytest.param("a\nb\r\x1b[31m\x00", r"`a\nb\r\x1b[31m\x00`", id="control characters"),
        pytest.param("a\u202eb\u2028", r"`a\u202eb\u2028`", id="what turns text around"),
        pytest.param("\udc80", r"`\udc80`", id="half a character"),
        pytest.param("a\\|b", r"`a\x7cb`", id="a pipe that a backslash would free"),
        pytest.param("<b> @all #1 [x](y) ✓ é", "`<b> @all #1 [x](y) ✓ é`", id="what a forge reads"),
    ],
)
def test_names_are_code(name: Optional[str], shown: str) -> None:
    assert code(name) == shown


def test_a_table_keeps_its_columns_whatever_is_in_them() -> None:
    assert table(["N", "Name"], [["1", code("a|b")], ["22", "漢字"]], right=["N"]) == [
        "|   N | Name   |",
        "| --: | ------ |",
        "|   1 | `a\\|b` |",
        "|  22 | 漢字   |",
        "",
    ]


def test_lines_of_a_file_do_not_end_their_block() -> None:
    assert fenced("+````\n+\ta\x1b\r") == ["`````diff", "+````", "+\ta\\x1b\\r", "`````", ""]


ODD = "|`\n# <b>@x\x1b[0m"
ODD_REPORT = r"""# Merge forecast: 1 mergeable, 1 conflicting

Onto ``|`\n# <b>@x\x1b[0m`` (`1234567890`), one after another: conflicting at ``|`\n# <b>@x\x1b[0m`` in ``|`\n# <b>@x\x1b[0m``.

| Mergeable | Conflicting | Integrated | Reverted | Missing |
| --------: | ----------: | ---------: | -------: | ------: |
|         1 |           1 |          0 |        0 |       0 |

## Changes

|   # | Change                  | Branch                  | Owner                   | State       | Ahead | Behind | Files | Conflicts |
| --: | ----------------------- | ----------------------- | ----------------------- | ----------- | ----: | -----: | ----: | --------: |
|   1 | ``\|`\n# <b>@x\x1b[0m`` | ``\|`\n# <b>@x\x1b[0m`` | ``\|`\n# <b>@x\x1b[0m`` | conflicting |     2 |      1 |     2 |         1 |
|   2 | `b`                     | `feature/b`             | –                       | mergeable   |     2 |      1 |     1 |         0 |

## Which changes conflict

|   # | Change                  | base | 1   | 2   |
| --: | ----------------------- | ---- | --- | --- |
|   1 | ``\|`\n# <b>@x\x1b[0m`` | ✗1   |     | ✗1  |
|   2 | `b`                     | ·    | ✗1  |     |

`·` fine, `✗N` N files in conflict, `–` not compared

## Recommended order

1. `b`
2. ``|`\n# <b>@x\x1b[0m``

No change has to be resolved against an earlier one.

## Conflicts

### ``|`\n# <b>@x\x1b[0m`` and `b`

#### ``|`\n# <b>@x\x1b[0m``: ``|`\n# <b>@x\x1b[0m``

- ``|`\n# <b>@x\x1b[0m``, owner ``|`\n# <b>@x\x1b[0m``: 1 commit
  - `dddddddddd` 2025-09-11 `` |` ``: ``|`\n# <b>@x\x1b[0m``
- `b`: 0 commits

```diff
|`
# <b>@x\x1b[0m
```

Tests to run: ``|`\n# <b>@x\x1b[0m``

- `unrelated histories`
"""  # noqa: E501, RUF001


def test_odd_names_do_no_harm_anywhere() -> None:
    given = forecast(
        [change(ODD, "conflicting", [ODD], branch=ODD, owner=ODD), change("b", "mergeable")],
        {(ODD, "b"): [ODD]},
        base={"ref": ODD, "sha": "1234567890" * 4},
        order=["b", ODD],
        analysis=[
            {
                "ids": [ODD, "b"],
                "owners": [ODD, ODD],
                "files": [
                    {
                        "path": ODD,
                        "kind": ODD,
                        "hunks": [ODD],
                        "sides": [side(ODD, ("|`", ODD), owner=ODD), side("b")],
                        "tests": [ODD],
                    },
                    {"path": ".", "kind": "unrelated histories", "hunks": [], "sides": []},
                ],
            }
        ],
    )
    assert report(given) == ODD_REPORT


@pytest.mark.parametrize(
    ("hunk", "files", "note"),
    [
        pytest.param("+x", 1, "", id="short enough"),
        pytest.param("+x" * 40_000, 1, "The lines in conflict are left out", id="long lines"),
        pytest.param("+x", 2_000, "The conflicts are not told in detail", id="many files"),
    ],
)
def test_the_text_is_short_enough_for_a_pull_request(hunk: str, files: int, note: str) -> None:
    file = {"path": "f", "kind": "x", "hunks": [hunk], "sides": [side("a")], "tests": []}
    given = {**OPENING, "analysis": [{"ids": ["a", "b"], "files": [file] * files}]}
    text = report(given)
    assert len(text) <= MOST_CHARACTERS
    assert ("+x" in text) is not bool(note)
    assert note in text


def test_only_so_many_commits_are_told() -> None:
    commits = [("Ada", f"s{number}") for number in range(12)]
    file = {"path": "f", "kind": "x", "hunks": [], "sides": [side("a", *commits)], "tests": []}
    text = report({**OPENING, "analysis": [{"ids": ["a", "b"], "files": [file]}]})
    assert "`s9`\n  - … 2 more\n" in text
    assert "Tests to run: none that names it or changed with it\n" in text
