# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress callback in real runs of ansible-playbook, on this machine only."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
INVENTORY = f"""
[prod]
prod1 ansible_connection=local
prod2 ansible_connection=local
[gone]
prod9 ansible_host=127.0.0.1 ansible_port=1
[all:vars]
ansible_python_interpreter={sys.executable}
"""
RECIPE = """
- name: Phase 1 | Resolve
  hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: the plan holds}
- name: Phase 1 | Back up
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Dump
      ansible.builtin.command: "sleep {{ nap | default(0) }}"
    - ansible.builtin.set_stats: {data: {rollout_say: [12 MB, read back]}}
- name: Phase 1 | Nobody
  hosts: nosuch
  tasks: []
- name: Phase 1 | Deploy
  hosts: prod
  serial: 1
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.command: "false"
      rescue:
        - ansible.builtin.debug: {msg: rescued}
    - name: Wait
      ansible.builtin.command: "false"
      ignore_errors: true
- name: Phase 1 | Prove
  hosts: prod
  gather_facts: false
  tasks:
    - name: Compare
      ansible.builtin.assert:
        that: good | default(true) | bool
        fail_msg: "release 4f2a is not what was tested"
        quiet: true
- name: Phase 1 | Watch
  hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: not now}
      when: false
"""
GOOD = """\
Phase 1
  ✔ Resolve  N s
      the plan holds
  ✎ Back up  N s  changed
      12 MB
      read back
  – Nobody   N s  no host matched
  ✔ Deploy   N s  2 batches, 4 failures handled
      batch 1: prod1
      rescued
      batch 2: prod2
      rescued
  ✔ Prove    N s
  – Watch    N s  nothing to do

Time of each step
  ✔ Resolve  N s
  ✎ Back up  N s
  ✔ Deploy   N s
  ✔ Prove    N s

Phase 1 finished: 6 steps, 1 changed, 2 with nothing to do, in N s.
"""  # noqa: RUF001
BAD = """\
Phase 1 FAILED in "Prove", after N s

  task       Compare  (recipe.yml:N)
  host       prod1, prod2
  why        release 4f2a is not what was tested

  done       Resolve, Back up (changed), Deploy
  not run    Watch
"""


class Lab:
    """Runs playbooks in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hosts").write_text(INVENTORY)
        (folder / "ansible.cfg").write_text("[defaults]\nstdout_callback=phased.rollout.progress\n")
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE", "NO_COLOR"))},
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".collections"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "PYTHONIOENCODING": "utf-8",
            "TERM": "xterm",
        }

    def command(self, text: str, *arguments: str) -> list[str]:
        (self.folder / "recipe.yml").write_text(text)
        return [str(PLAYBOOK), "-i", "hosts", "recipe.yml", *arguments]

    def run(self, text: str, *arguments: str, **environment: str) -> tuple[int, str]:
        """Return the exit status and the standard output of a run into a pipe."""
        done = subprocess.run(
            self.command(text, *arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout

    def run_on_terminal(self, text: str, *arguments: str, **environment: str) -> str:
        """Return all that a run writes to a terminal."""
        parent, child = pty.openpty()
        process = subprocess.Popen(
            self.command(text, *arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)
        written = b""
        while True:
            try:
                chunk = os.read(parent, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not chunk:
                break
            written += chunk
        process.wait()
        os.close(parent)
        return written.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("progress"))


def timeless(text: str) -> str:
    """Return the text with N for every time and line number."""
    return re.sub(r" +\d+\.\d s", " N s", re.sub(r"yml:\d+", "yml:N", text))


def squeezed(text: str) -> str:
    return timeless(re.sub(r" +(\d+\.\d s)", r" \1", text))


def play(name: str, *tasks: str, hosts: str = "localhost") -> str:
    body = "".join(f"\n    - {task}" for task in tasks)
    return f"- name: {name}\n  hosts: {hosts}\n  gather_facts: false\n  tasks:{body}\n"


def test_a_good_run_in_a_pipe_is_a_plain_checklist(lab: Lab) -> None:
    status, out = lab.run(RECIPE)
    assert status == 0
    assert squeezed(out) == re.sub(r" +N s", " N s", GOOD)
    columns = {line.index(" s") for line in out.splitlines() if re.search(r"^  \S .*\d s", line)}
    assert len(columns) == 1, "the times of the steps are not aligned"


def test_a_failed_run_ends_with_what_stopped_it(lab: Lab) -> None:
    status, out = lab.run(RECIPE, "-e", "good=false")
    assert status == 2
    assert timeless(out).endswith(BAD)


def test_a_host_that_is_gone_is_named_with_its_reason(lab: Lab) -> None:
    text = play("Reach", "ansible.builtin.ping:", hosts="gone") + play("Deploy", "debug:")
    status, out = lab.run(text)
    assert status == 4
    assert "  ! Reach" in out
    assert "host       prod9  UNREACHABLE" in out
    assert "Connection refused" in out.split("why ")[1]
    assert out.endswith("not run    Deploy\n")


def test_check_mode_and_limits_are_said(lab: Lab) -> None:
    task = "ansible.builtin.file: {path: new, state: touch}"
    _status, out = lab.run(play("Touch", task, hosts="prod"), "--check", "--limit", "prod1")
    head = out.splitlines()[0]
    assert head == "recipe.yml · check mode: nothing is changed · only hosts prod1"
    assert "would change" in out
    assert "recipe.yml checked: 1 step, 1 would change" in out
    assert not (lab.folder / "new").exists()


def test_arguments_of_a_role_that_are_wrong_stand_one_a_line(lab: Lab) -> None:
    spec = lab.folder / "roles/gate/meta/argument_specs.yml"
    spec.parent.mkdir(parents=True)
    spec.write_text("argument_specs: {main: {options: {a: {type: int, required: true}, b: {}}}}")
    task = "ansible.builtin.include_role: {name: gate}\n      vars: {a: many, b: {c: 1}, d: 1}"
    status, out = lab.run(play("Gate", task))
    assert status == 2
    why = out[out.index("  why ") :].splitlines()
    assert why[0] == "  why        The arguments of role gate are not valid:"
    assert why[1].startswith("             - argument 'a' is of type str")


def test_a_secret_is_not_shown(lab: Lab) -> None:
    task = "ansible.builtin.command: {argv: [sh, -c, 'echo hunter2; false']}\n      no_log: true"
    _status, out = lab.run(play("Secret", task))
    assert "The output is hidden, as no_log is set for this task." in out
    assert "hunter2" not in out


def test_a_long_wait_shows_in_a_log_that_it_lives(lab: Lab) -> None:
    environment = {"PHASED_ROLLOUT_PROGRESS_HEARTBEAT_SECONDS": "1"}
    wait = "ansible.builtin.command: sleep 4\n      name: Wait for it"
    _status, out = lab.run(play("Wait", wait), **environment)
    beats = [line for line in out.splitlines() if "Wait for it · localhost" in line]
    assert len(beats) >= 2
    assert "\r" not in out


def test_more_detail_brings_back_what_ansible_writes(lab: Lab) -> None:
    _status, out = lab.run(RECIPE, "-v", "-e", "good=false")
    assert "TASK [Compare]" in out
    assert "PLAY RECAP" in out
    assert timeless(out).endswith(BAD)


def test_a_difference_is_shown(lab: Lab) -> None:
    task = "ansible.builtin.copy: {content: hello, dest: greeting}\n      name: Greet"
    _status, out = lab.run(play("Copy", task), "--diff")
    assert "Greet (localhost):\n--- before\n" in out
    assert "+hello" in out


def test_without_unicode_the_marks_are_ascii(lab: Lab) -> None:
    _status, out = lab.run(RECIPE, PHASED_ROLLOUT_PROGRESS_MARKS="ascii")
    assert "  ~ Back up" in out
    assert out.isascii()


def test_colours_can_be_forced_into_a_pipe(lab: Lab) -> None:
    _status, out = lab.run(play("Say", "debug:"), ANSIBLE_FORCE_COLOR="1")
    assert "\x1b[0;32m✔\x1b[0m Say" in out
    assert "\r" not in out


def test_a_terminal_shows_what_runs_and_keeps_none_of_it(lab: Lab) -> None:
    out = lab.run_on_terminal(RECIPE, "-e", "nap=2", NO_COLOR="1")
    live = re.findall(r"\r\x1b\[K  \S Back up (\d\.\d) s · Dump · localhost", out)
    assert len(live) >= 4, out
    assert [float(seconds) for seconds in live] == sorted(float(seconds) for seconds in live)
    left = re.sub(r"\r\x1b\[K[^\n\r]*(?=\r)", "", out).replace("\r\x1b[K", "")
    left = re.sub(r"\[WARNING\][^\n]*\n|  ▸ \w+\n", "", left)
    assert "Dump" not in left, "the live line was not taken away"
    assert "\x1b" not in left
    assert squeezed(left).endswith(re.sub(r" +N s", " N s", GOOD)[-300:])


def test_an_interrupted_run_says_where_it_was(lab: Lab) -> None:
    process = subprocess.Popen(
        lab.command(play("Wait", "ansible.builtin.command: sleep 60\n      name: Sleep")),
        cwd=lab.folder,
        env={**lab.environment, "PHASED_ROLLOUT_PROGRESS_HEARTBEAT_SECONDS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout is not None
    while "Sleep" not in (line := process.stdout.readline()):
        assert line, "the run ended before its task"
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    out = process.communicate(timeout=30)[0]
    assert process.returncode != 0
    assert 'recipe.yml FAILED in "Wait"' in out
    assert "task       Sleep" in out
    assert "The run was stopped here" in out


def test_ansible_runner_shows_the_same_steps(lab: Lab, tmp_path: Path) -> None:
    runner = pytest.importorskip("ansible_runner")
    lab.command(RECIPE)
    path = f"{PLAYBOOK.parent}:{os.environ['PATH']}"
    # The runner reads the name of the callback it stands before from its own environment.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", path)
        patch.setenv("ANSIBLE_STDOUT_CALLBACK", "phased.rollout.progress")
        run = runner.run(
            private_data_dir=str(tmp_path),
            project_dir=str(lab.folder),
            inventory=str(lab.folder / "hosts"),
            playbook="recipe.yml",
            envvars={**lab.environment, "PATH": path, "NO_COLOR": "1"},
            quiet=True,
        )
    out = run.stdout.read().replace("\r\n", "\n")
    assert run.status == "successful"
    assert "\r" not in out
    assert "2 batches, 4 failures handled" in out
    assert "Phase 1 finished: 6 steps" in out
