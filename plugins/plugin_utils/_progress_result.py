# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is PRIVATE to the collection.
"""What a task's result has to tell a person. Results may have any shape: nothing here raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.phased.rollout.plugins.plugin_utils._progress import as_strings

TAIL_LINES = 15
HIDDEN = "The output is hidden, as no_log is set for this task."
_NOT_SHOWN = frozenset(
    {"changed", "failed", "invocation", "skipped", "skip_reason", "exception", "warnings"}
    | {"deprecations", "diff", "attempts", "retries", "failed_when_result"}
)
_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_USERINFO = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")
_WRAPPERS = re.compile(r"^(Task failed: |Module failed: |Action failed: )+")


def clean_lines(text: Any) -> list[str]:
    """Return a text as lines without anything that could drive a terminal."""
    plain = _ESCAPE.sub("", str(text).replace("\r\n", "\n").replace("\r", "\n"))
    return [_CONTROL.sub("", line.expandtabs(4)).rstrip() for line in plain.split("\n")]


def is_hidden(result: Mapping[str, Any]) -> bool:
    """Return whether no_log hides the result."""
    return bool(result.get("_ansible_no_log")) or "censored" in result


def readable(value: Any, *, indent: int = 0) -> list[str]:
    """Return any value as lines in the manner of YAML, strings without quotes."""
    lead = " " * indent
    if isinstance(value, Mapping) and value:
        return [line for key in value for line in _entry(f"{lead}{key}:", value[key], indent)]
    if isinstance(value, (list, tuple)) and value:
        return [line for entry in value for line in _entry(f"{lead}-", entry, indent)]
    return [lead + line for line in clean_lines(_scalar(value))]


def _entry(lead: str, value: Any, indent: int) -> list[str]:
    nested = isinstance(value, (Mapping, list, tuple)) and value
    lines = readable(value, indent=indent + 2)
    if nested or len(lines) > 1:
        return [lead, *lines]
    return [f"{lead} {lines[0].strip()}".rstrip()]


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if value not in ({}, []) else "(empty)"


def spoken(action: str, result: Mapping[str, Any]) -> list[str]:
    """Return the lines of a result that are meant for a person: rollout_say, and debug's output."""
    if is_hidden(result):
        return []
    stats = result.get("ansible_stats")
    data = stats.get("data") if isinstance(stats, Mapping) else None
    said = as_strings(data.get("rollout_say")) if isinstance(data, Mapping) else []
    said += as_strings(result.get("rollout_say"))
    lines = [line for text in said for line in clean_lines(text)]
    return lines + (_debug(result) if action.rpartition(".")[2] == "debug" else [])


def _debug(result: Mapping[str, Any]) -> list[str]:
    if "msg" in result:
        msg = result["msg"]
        if isinstance(msg, (list, tuple)) and not any(isinstance(m, (Mapping, list)) for m in msg):
            return [line for entry in msg for line in clean_lines(entry)]
        return readable(msg)
    ours = _NOT_SHOWN | {"rollout_say", "item", "ansible_loop_var", "ansible_index_var"}
    shown = {k: v for k, v in result.items() if k not in ours and not k.startswith("_ansible_")}
    return readable(shown) if shown else []


def gate_rows(action: str, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the measured objectives of an slo_check result, none for any other result."""
    rows = result.get("results")
    if action.rpartition(".")[2] != "slo_check" or not isinstance(rows, (list, tuple)):
        return []
    return [dict(row) for row in rows if isinstance(row, Mapping)]


def why_lines(result: Mapping[str, Any]) -> list[str]:
    """Return why a task failed: the message first, then what a command or a loop has to add."""
    if is_hidden(result):
        return [HIDDEN]
    errors = as_strings(result.get("argument_errors"))
    if errors:
        return _argument_errors(result, errors)
    items = result.get("results")
    if isinstance(items, (list, tuple)):
        lines = [line for item in items for line in _item(item)]
        if lines:
            return lines
    rest = _remainder(result)
    return _message(result) or (readable(rest) if rest else ["(no reason given)"])


def _argument_errors(result: Mapping[str, Any], errors: list[str]) -> list[str]:
    context = result.get("validate_args_context")
    name = context.get("name") if isinstance(context, Mapping) else None
    of_what = f" of role {name}" if name else ""
    return [f"The arguments{of_what} are not valid:", *("- " + _redact(e) for e in errors)]


def _item(item: Any) -> list[str]:
    if not isinstance(item, Mapping) or not (item.get("failed") or item.get("unreachable")):
        return []
    if is_hidden(item):
        return [HIDDEN]
    label = item.get("_ansible_item_label", item.get(item.get("ansible_loop_var", "item"), ""))
    first, *rest = why_lines({k: v for k, v in item.items() if k != "results"})
    return [f"item {_redact(label)}: {first}", *rest]


def _message(result: Mapping[str, Any]) -> list[str]:
    lines = [_redact(line) for line in clean_lines(result.get("msg") or result.get("reason") or "")]
    lines = [line for line in lines if line]
    if "rc" in result and "cmd" in result and lines == ["non-zero return code"]:
        command = result["cmd"]
        shown = " ".join(as_strings(command))
        lines = [f"The command ended with {result['rc']}: {_redact(shown)}"]
    if lines:
        lines[0] = _WRAPPERS.sub("", lines[0])
    if lines == ["Assertion failed"] and result.get("assertion"):
        lines = [f"This does not hold: {_redact(result['assertion'])}"]
    if result.get("url"):
        lines.append(f"url: {_redact(result['url'])}")
    return lines + _streams(result, lines)


def _streams(result: Mapping[str, Any], told: list[str]) -> list[str]:
    lines = []
    for name in ("stderr", "module_stderr", "stdout", "module_stdout"):
        output = [_redact(line) for line in clean_lines(result.get(name) or "")]
        while output and not output[-1]:
            output.pop()
        if not output or output == told:
            continue
        cut = len(output) - TAIL_LINES
        note = f", the last {TAIL_LINES} of {len(output)} lines" if cut > 0 else ""
        lines += [f"{name}{note}:", *(f"  {line}" for line in output[-TAIL_LINES:])]
    return lines


def _remainder(result: Mapping[str, Any]) -> dict[str, Any]:
    hidden = _NOT_SHOWN | {"results", "msg", "rollout_say", "rollout_evidence"}
    return {k: v for k, v in result.items() if k not in hidden and not k.startswith("_ansible_")}


def _redact(text: Any) -> str:
    return _USERINFO.sub("***", " ".join(clean_lines(text)))
