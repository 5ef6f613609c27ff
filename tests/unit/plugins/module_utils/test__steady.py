# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from typing import Any, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._shape import Fields, ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._source import Measurement
from ansible_collections.phased.rollout.plugins.module_utils._steady import (
    Clock,
    Limits,
    Steady,
    Watch,
    as_steady,
    follow,
    read_steady,
)
from ansible_collections.phased.rollout.plugins.module_utils._verdict import (
    SEVERITY,
    Verdict,
    worst,
)

LETTERS = {verdict.value[0]: verdict for verdict in Verdict}
NO_LIMITS = {"failure_limit": -1, "consecutive_error_limit": -1, "inconclusive_limit": -1}


def worst_of(verdicts):
    return worst(verdicts.values())


class World:
    """Answers from lists (the last one stays), each after its seconds; time passes only here."""

    def __init__(self, answers: dict[str, str], takes: Sequence[float] = (0,), late: float = 0):
        self.answers, self.takes, self.late = answers, takes, late
        self.began = self.time = 1000.0
        self.starts: list[float] = []

    def look(self):
        index = len(self.starts)
        self.starts.append(self.time - self.began)
        self.time += self.takes[min(index, len(self.takes) - 1)]
        letters = {name: row[min(index, len(row) - 1)] for name, row in self.answers.items()}
        evidence = {name: Measurement(value=index) for name in letters}
        return {name: LETTERS[letter] for name, letter in letters.items()}, evidence

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds + self.late

    def run(self, limits=None, overall=worst_of, **options: Any) -> Watch:
        options = {"every": 10, "steady_for": 30, "timeout": 120, **options}
        steady = read_steady(Fields(options, "steady"))
        each = {name: (limits or {}).get(name, steady.limits) for name in self.answers}
        watch = Watch(steady, each, overall, self.time)
        follow(watch, self.look, Clock(lambda: self.time, self.sleep))
        return watch


@pytest.mark.parametrize(
    ("answers", "options", "verdict", "starts", "seconds"),
    [
        pytest.param("p", {}, "pass", [0, 10, 20, 30], 30, id="good for long enough"),
        pytest.param("p", {"stabilise": 45}, "pass", [45, 55, 65, 75], 30, id="stabilise waits"),
        pytest.param("p", {"steady_for": 0}, "pass", [0], 0, id="one good one is enough for 0 s"),
        pytest.param("p", {"steady_for": 25}, "pass", [0, 10, 20, 30], 30, id="no interval fits"),
        pytest.param("pwpp", {}, "warn", [0, 10, 20, 30], 30, id="a warning is remembered"),
        pytest.param("f", {}, "fail", [0], 0, id="one failure is too many"),
        pytest.param("ppf", {}, "fail", [0, 10, 20], 0, id="a late failure is too many"),
        pytest.param("i", {}, "inconclusive", [0], 0, id="one inconclusive is too many"),
        pytest.param("pfp", {"failure_limit": 1}, "warn", [0, 10, 20, 30, 40, 50], 30,
                     id="a failure that is borne starts the steady time again"),
        pytest.param("fpf", {"failure_limit": 1}, "fail", [0, 10, 20], 0, id="two are not borne"),
        pytest.param("eeeep", {}, "warn", [0, 10, 20, 30, 40, 50, 60, 70], 30,
                     id="four errors in a row are borne"),
        pytest.param("eeeee", {}, "error", [0, 10, 20, 30, 40], 0, id="five are not"),
        pytest.param("eepeepeep", {"consecutive_error_limit": 2, "timeout": 50}, "inconclusive",
                     [0, 10, 20, 30, 40, 50], 0, id="errors with a pass between are not in a row"),
        pytest.param("eefeep", {"failure_limit": 1, "consecutive_error_limit": 2}, "warn",
                     [0, 10, 20, 30, 40, 50, 60, 70, 80], 30, id="nor with a failure between"),
        pytest.param("e", {"consecutive_error_limit": 0}, "error", [0], 0, id="no error is borne"),
        pytest.param("iip", {"inconclusive_limit": 2}, "warn", [0, 10, 20, 30, 40, 50], 30,
                     id="inconclusive ones that are borne"),
        pytest.param("ipip", {"inconclusive_limit": 1}, "inconclusive", [0, 10, 20], 0,
                     id="inconclusive ones count in all, not in a row"),
        pytest.param("ppi", {"timeout": 50, **NO_LIMITS}, "inconclusive",
                     [0, 10, 20, 30, 40, 50], 0, id="inconclusive up to the end"),
        pytest.param("ppfp", {"timeout": 50, **NO_LIMITS}, "inconclusive",
                     [0, 10, 20, 30, 40, 50], 20, id="good at the end, but not for long enough"),
        pytest.param("f", {"timeout": 40, **NO_LIMITS}, "fail", [0, 10, 20, 30, 40], 0,
                     id="failures without a limit never pass"),
    ],
)  # fmt: skip
def test_outcome(answers, options, verdict, starts, seconds):
    world = World({"a": answers})
    watch = world.run(**options)
    assert (watch.verdict.value, world.starts) == (verdict, starts)
    told = watch.told()
    assert (told["verdict"], told["measurements"]) == (verdict, len(starts))
    assert told["steady_seconds"] == seconds


@pytest.mark.parametrize(
    ("answers", "options", "reason"),
    [
        pytest.param("p", {}, "it was steady for 30 s", id="steady"),
        pytest.param("w", {}, "it was steady for 30 s, with warnings", id="with warnings"),
        pytest.param("fp", {"failure_limit": 1},
                     "it was steady for 30 s, but interrupted after 0 s by a (fail)",
                     id="after an interruption"),
        pytest.param("eeeee", {}, "a broke its consecutive_error_limit of 4 with 5 errors in a row",
                     id="a broken limit"),
        pytest.param("ppfp", {"timeout": 50, "failure_limit": 1},
                     "it was not steady for 30 s within 50 s: at the end it had been good for 20 s,"
                     " last interrupted after 20 s by a (fail)", id="out of time, good at the end"),
        pytest.param("pppi", {"timeout": 40, **NO_LIMITS, "every": 5, "steady_for": 20},
                     "it was not steady for 20 s within 40 s: at the end it was not good,"
                     " last interrupted after 40 s by a (inconclusive)",
                     id="out of time, bad at the end"),
    ],
)  # fmt: skip
def test_the_reason_says_how_it_came(answers, options, reason):
    assert World({"a": answers}).run(**options).told()["reason"] == reason


@pytest.mark.parametrize(
    ("takes", "starts"),
    [
        pytest.param([3], [0, 10, 20, 30], id="a short one does not shift the next"),
        pytest.param([10], [0, 10, 20, 30], id="one that just fills the interval"),
        pytest.param([13, 3], [0, 13, 20, 30], id="a long one is followed at once, then the times"),
        pytest.param([35, 3], [0, 35], id="once is enough if it takes that long"),
        pytest.param([3, 25, 3], [0, 10, 35], id="a long one in the middle"),
        pytest.param([13], [0, 13, 26, 39], id="all of them are long"),
    ],
)
def test_a_measurement_that_takes_longer_is_followed_at_once(takes, starts):
    world = World({"a": "p"}, takes)
    assert world.run().verdict is Verdict.PASS
    assert world.starts == starts


def test_times_that_were_missed_are_not_made_up_for():
    world = World({"a": "p"}, [35, 3])
    world.run(steady_for=60)
    assert world.starts == [0, 35, 40, 50, 60]


def test_late_wake_ups_do_not_add_up_nor_make_the_steady_time_fall_short():
    world = World({"a": "fp"}, late=0.25)
    assert world.run(failure_limit=1).verdict is Verdict.WARN
    assert world.starts == [0, 10.25, 20.5, 30.5, 40.5]


def test_a_measurement_that_ends_after_the_timeout_is_the_last():
    world = World({"a": "p"}, [5, 200])
    watch = world.run()
    assert (world.starts, watch.verdict) == ([0, 10], Verdict.INCONCLUSIVE)


def test_each_objective_has_its_own_limits_and_counts():
    limits = {"a": Limits(1, 4, 0), "b": Limits(0, 0, 0)}
    watch = World({"a": "fpfpp", "b": "pwppp"}).run(limits=limits)
    told = watch.told()
    assert (told["verdict"], told["limits"]) == ("fail", {"a": "failure_limit"})
    nothing = dict.fromkeys(["pass", "warn", "inconclusive", "error", "fail"], 0)
    assert told["counts"] == {
        "a": {**nothing, "pass": 1, "fail": 2},
        "b": {**nothing, "pass": 2, "warn": 1},
    }


def test_nothing_to_judge_is_not_waited_for():
    world = World({})
    told = world.run().told()
    assert (told["verdict"], world.starts) == ("inconclusive", [0])
    assert told["reason"] == "there is nothing that could become good"


def test_what_broke_its_limit_stays_so_where_the_others_can_outweigh_it():
    def two_of_three(verdicts):
        failed = list(verdicts.values()).count(Verdict.FAIL)
        return Verdict.PASS if failed == 0 else Verdict.WARN if failed == 1 else Verdict.FAIL

    watch = World({"a": "fp", "b": "p", "c": "p"}).run(overall=two_of_three)
    assert (watch.verdict, watch.told()["limits"]) == (Verdict.WARN, {"a": "failure_limit"})
    assert {name: one.value for name, one in watch.evidence.items()} == {"a": 0, "b": 3, "c": 3}
    world = World({"a": "fp", "b": "ppfp", "c": "p"})
    assert world.run(overall=two_of_three).verdict is Verdict.FAIL
    assert world.starts == [0, 10, 20]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"timeout": 9}, "steady.steady_for is missing", id="no steady_for"),
        pytest.param({"steady_for": 9}, "steady.timeout is missing", id="no timeout"),
        pytest.param({"steady_for": 9, "timeout": 9, "evry": 1}, "did you mean every", id="typo"),
        pytest.param({"steady_for": 9, "timeout": 99, "every": 0}, "above 0", id="no interval"),
        pytest.param({"steady_for": "nan", "timeout": 99}, "steady_for is 'nan'", id="NaN"),
        pytest.param({"steady_for": 9, "timeout": "inf"}, "timeout is 'inf'", id="for ever"),
        pytest.param({"steady_for": -1, "timeout": 99}, "at least 0", id="less than no time"),
        pytest.param({"steady_for": 30, "timeout": 40, "stabilise": 1, "every": 10},
                     "at least 41", id="no room to be steady in"),
        pytest.param({"steady_for": 0, "timeout": 40, "stabilise": 41}, "at least 41",
                     id="no room to measure in"),
        pytest.param({"steady_for": 1, "timeout": 99, "failure_limit": -2}, "failure_limit is -2",
                     id="a limit below -1"),
        pytest.param({"steady_for": 1, "timeout": 99, "inconclusive_limit": 0.5}, "whole number",
                     id="half a limit"),
        pytest.param({"steady_for": 1, "timeout": 99, "inconclusive_limit": "inf"}, "whole number",
                     id="a limit without end"),
        pytest.param({"steady_for": 1, "timeout": 99, "consecutive_error_limit": "nan"}, "whole",
                     id="a limit that is NaN"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options, problem):
    with pytest.raises(ShapeError, match=problem):
        read_steady(Fields(options, "steady"))


def test_the_defaults_are_those_of_argo():
    steady = read_steady(Fields({"steady_for": "60", "timeout": "300"}, "steady"))
    assert steady == Steady(0, 10, 60, 300, Limits(0, 4, 0))


@pytest.mark.parametrize(
    ("verdict", "then", "now"),
    [
        pytest.param("pass", "pass", "pass", id="steady"),
        pytest.param("pass", "warn", "warn", id="steady with warnings"),
        pytest.param("fail", "pass", "fail", id="steady, but not by stricter criteria"),
        pytest.param("pass", "inconclusive", "inconclusive", id="not steady"),
        pytest.param("pass", "fail", "inconclusive", id="failed, but not by milder criteria"),
        pytest.param("fail", "fail", "fail", id="failed"),
    ],
)
def test_a_replay_never_makes_steady_what_was_not(verdict, then, now):
    assert as_steady(Verdict(verdict), {"verdict": then}) is Verdict(now)


def test_a_replay_without_repeated_measuring_is_what_it_is():
    assert as_steady(Verdict.PASS, None) is Verdict.PASS


@pytest.mark.parametrize("saved", [{}, {"verdict": "good"}, {"verdict": None}, "pass", []])
def test_a_damaged_replay_is_refused(saved):
    with pytest.raises(ShapeError, match=r"replay\.steady"):
        as_steady(Verdict.PASS, saved)


ROWS = st.dictionaries(st.sampled_from("ab"), st.text("pwife", min_size=1, max_size=15), min_size=1)
TAKES = st.lists(st.sampled_from([0, 1, 10, 13, 40]), min_size=1, max_size=15)
OPTIONS = st.fixed_dictionaries(
    {
        "stabilise": st.sampled_from([0, 7]),
        "steady_for": st.sampled_from([0, 5, 20, 35]),
        "timeout": st.sampled_from([60, 100]),
        **{name: st.integers(-1, 3) for name in NO_LIMITS},
    }
)


def seen(world: World) -> list[Verdict]:
    """Return the worst verdict of each measurement that was made."""
    rows = [[row[min(i, len(row) - 1)] for row in world.answers.values()]
            for i in range(len(world.starts))]  # fmt: skip
    return [worst(LETTERS[letter] for letter in row) for row in rows]


@given(ROWS, TAKES, OPTIONS)
def test_nothing_is_good_that_was_not_good_for_long_enough(rows, takes, options):
    world = World(rows, takes)
    verdict = world.run(**options).verdict
    if SEVERITY[verdict] <= SEVERITY[Verdict.WARN]:
        verdicts = seen(world)
        first = len(verdicts)
        while first > 0 and SEVERITY[verdicts[first - 1]] <= SEVERITY[Verdict.WARN]:
            first -= 1
        assert first < len(verdicts)
        assert world.starts[-1] - world.starts[first] >= options["steady_for"]
        assert world.starts[-1] <= options["timeout"]
        assert (verdict is Verdict.PASS) == (set(verdicts) == {Verdict.PASS})


@given(ROWS, OPTIONS, st.data())
def test_one_more_failure_never_makes_the_outcome_better(rows, options, data):
    # What was inconclusive or an error has a limit of its own, which a failure does not use up.
    good = [(name, i) for name, row in rows.items() for i, one in enumerate(row) if one in "pw"]
    if not good:
        return
    name, index = data.draw(st.sampled_from(good))
    worse = {**rows, name: f"{rows[name][:index]}f{rows[name][index + 1 :]}"}
    before, after = World(rows).run(**options), World(worse).run(**options)
    assert SEVERITY[after.verdict] >= SEVERITY[before.verdict]


@given(ROWS, TAKES, OPTIONS)
def test_it_ends_at_once_when_it_is_decided_and_not_before(rows, takes, options):
    world = World(rows, takes)
    watch = world.run(**options)
    told, verdicts = watch.told(), seen(world)
    errors = dict.fromkeys(rows, 0)
    fails, unsure = dict(errors), dict(errors)
    since, over = math.inf, []
    for i, (start, verdict) in enumerate(zip(world.starts, verdicts)):
        for name, row in rows.items():
            one = row[min(i, len(row) - 1)]
            fails[name] += one == "f"
            unsure[name] += one == "i"
            errors[name] = errors[name] + 1 if one == "e" else 0
        since = min(since, start) if verdict in (Verdict.PASS, Verdict.WARN) else math.inf
        broken = any(
            count > options[limit] >= 0
            for counts, limit in zip((fails, errors, unsure), NO_LIMITS)
            for count in counts.values()
        )
        over.append(broken or start - since >= options["steady_for"])
    assert not any(over[:-1])
    late = max(world.starts[-1] + 10, world.time - world.began) > options["timeout"]
    assert over[-1] or late
    assert bool(told["limits"]) == broken


@given(ROWS, TAKES, OPTIONS)
def test_no_two_starts_are_closer_than_what_they_take_and_none_is_idle(rows, takes, options):
    world = World(rows, takes)
    world.run(**options)
    for i, (one, other) in enumerate(zip(world.starts, world.starts[1:])):
        took = takes[min(i, len(takes) - 1)]
        assert took <= other - one <= max(took, 10)
