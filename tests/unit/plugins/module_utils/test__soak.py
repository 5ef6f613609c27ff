# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._sample import Sample
from ansible_collections.phased.rollout.plugins.module_utils._shape import ShapeError
from ansible_collections.phased.rollout.plugins.module_utils._soak import Soak, soak, soak_began
from ansible_collections.phased.rollout.plugins.module_utils._soak_clock import POLICIES, Watch
from ansible_collections.phased.rollout.tests.ledger_histories import Book, after, hours, sample

MINUTE = 60
AGAIN = "; the clock starts again at zero"
TICKS = {"h": "pass", "w": "warn", "u": "inconclusive", "e": "error", "b": "fail", "?": "odd"}


def watching(on_breach: str = "reset", *objectives: str) -> Watch:
    return Watch(objectives or ("errors",), timedelta(minutes=10), on_breach)


def measured(script: str, start: int = 0) -> list[Sample]:
    """Return a tick every ten minutes, as a letter says; a dot is a tick that did not come."""
    return [
        sample(after((start + number) * 10 * MINUTE), TICKS[letter], reason="the reason")
        for number, letter in enumerate(script)
        if letter != "."
    ]


def deployed(*trees: str) -> list[Entry]:
    book = Book()
    for tree in trees or ("t1",):
        book.write("deployed", after(0), tree=tree)
    return book.entries


def soaked(
    script: str, on_breach: str = "reset", *, needed_minutes: float = 600, now_minutes: float = -1
) -> Soak:
    now = after((now_minutes if now_minutes >= 0 else 10 * (len(script) - 1)) * MINUTE)
    marks, samples = deployed(), measured(script)
    return soak(watching(on_breach), marks, samples, now, needed_minutes * MINUTE)


@pytest.mark.parametrize(
    ("script", "minutes", "state"),
    [
        pytest.param("h", 0, "counting", id="one tick is no time"),
        pytest.param("hhh", 20, "counting", id="time between ticks that held counts"),
        pytest.param("hwh", 20, "counting", id="a warning held"),
        pytest.param("..hh", 10, "counting", id="time before the first tick does not count"),
        pytest.param("hh.hh", 20, "counting", id="a tick that did not come is missing time"),
        pytest.param("hhuhh", 20, "counting", id="a tick that was inconclusive is missing time"),
        pytest.param("hhehh", 20, "counting", id="a tick that could not measure is missing time"),
        pytest.param("hh?hh", 20, "counting", id="a verdict nobody knows did not hold"),
        pytest.param("hhu", 10, "interrupted", id="what was not measured is not known to hold"),
        pytest.param("hhbhh", 10, "counting", id="a breach sets the clock to zero"),
        pytest.param("hhb", 0, "breached", id="a breach is one at once"),
        pytest.param("bbb", 0, "breached", id="a breach from the start"),
        pytest.param("uuu", 0, "interrupted", id="nothing measured from the start"),
        pytest.param("hhhhb", 0, "breached", id="a breach takes all that had counted"),
    ],
)
def test_what_counts(script: str, minutes: float, state: str) -> None:
    found = soaked(script)
    assert (found.stable_seconds, found.state) == (minutes * MINUTE, state)


@pytest.mark.parametrize(
    ("on_breach", "minutes", "state"),
    [
        pytest.param("reset", 30, "counting", id="reset begins again"),
        pytest.param("pause", 50, "counting", id="pause leaves out the time until it holds again"),
        pytest.param("fail", 20, "failed", id="fail ends it for good"),
    ],
)
def test_a_breach_does_what_the_plan_says(on_breach: str, minutes: float, state: str) -> None:
    found = soaked("hhhbuhhhh", on_breach)
    assert (found.stable_seconds, found.state) == (minutes * MINUTE, state)
    assert found.interruptions[-1].start == after(20 * MINUTE)
    assert found.interruptions[-1].why.startswith("errors failed: the reason")


def test_an_outage_in_hour_47_of_48_moves_the_end_as_the_plan_says() -> None:
    script = "h" * (47 * 6) + "b" + "h" * 6
    now = 10 * (len(script) - 1)
    paused = soaked(script, "pause", needed_minutes=48 * 60)
    assert paused.stable_seconds == (47 * 60 - 10 + 50) * MINUTE
    assert paused.earliest == after((now + 20) * MINUTE)
    reset = soaked(script, "reset", needed_minutes=48 * 60)
    assert reset.earliest == after((now + 48 * 60 - 50) * MINUTE)
    assert soaked(script, "fail", needed_minutes=48 * 60).earliest is None


@pytest.mark.parametrize(
    ("gap_minutes", "counts"),
    [
        pytest.param(10, True, id="one interval"),
        pytest.param(15, True, id="one and a half"),
        pytest.param(15.1, False, id="a little longer"),
    ],
)
def test_how_long_a_gap_may_be(gap_minutes: float, counts: bool) -> None:
    samples = [sample(after(0), "pass"), sample(after(gap_minutes * MINUTE), "pass")]
    found = soak(watching(), deployed(), samples, hours(1), 3600)
    assert found.stable_seconds == (gap_minutes * MINUTE if counts else 0)
    assert [one.why for one in found.interruptions[:1]] != ([] if counts else [""])
    assert bool(found.interruptions[0].until) is not counts


def test_a_tick_counts_by_its_worst_objective_and_needs_all_of_them() -> None:
    watch = watching("reset", "errors", "latency")
    both = [sample(after(600 * n), "pass", name) for n in range(4) for name in watch.objectives]
    now = after(1800)
    assert soak(watch, deployed(), both, now, 3600).stable_seconds == 1800
    lacking = soak(watch, deployed(), both[:-1], now, 3600)
    assert (lacking.stable_seconds, lacking.state) == (1200, "interrupted")
    assert lacking.interruptions[0].why == "latency not measured"
    failing = [*both[:-1], sample(now, "fail", "latency")]
    assert soak(watch, deployed(), failing, now, 3600).state == "breached"
    others = [*both, sample(now, "fail", "of no interest")]
    assert soak(watch, deployed(), others, now, 3600).stable_seconds == 1800


def test_a_breach_counts_even_where_the_rest_was_not_measured() -> None:
    watch = watching("reset", "errors", "latency")
    failed = sample(after(0), "fail", "latency")
    for others in ([], [sample(after(0), "error")], [sample(after(0), "inconclusive", "latency")]):
        assert soak(watch, deployed(), [*others, failed], after(0), 60).state == "breached"


def test_it_is_complete_since_the_moment_it_was_and_stays_so_when_the_monitor_ends() -> None:
    found = soaked("hhhhhh", needed_minutes=25, now_minutes=500)
    assert (found.complete, found.since, found.earliest) == (True, after(25 * MINUTE), None)


def test_it_is_complete_since_the_last_time_it_became_so() -> None:
    found = soaked("hhhhhbhhhh", needed_minutes=25)
    assert (found.complete, found.since) == (True, after(85 * MINUTE))


def test_what_only_waits_for_its_next_tick_can_be_complete_now() -> None:
    found = soaked("hhhhhh", needed_minutes=55, now_minutes=60)
    assert (found.state, found.earliest) == ("counting", after(60 * MINUTE))


@pytest.mark.parametrize("last", ["b", "u"])
def test_nothing_is_complete_while_the_last_tick_did_not_hold(last: str) -> None:
    found = soaked("hhhhhh" + last, "pause", needed_minutes=30)
    assert (found.complete, found.stable_seconds) == (False, 50 * MINUTE)
    assert found.earliest == after(60 * MINUTE)


def test_samples_later_than_now_do_not_count_and_are_told() -> None:
    found = soaked("hhhh", now_minutes=10)
    assert found.stable_seconds == 10 * MINUTE
    assert "2 samples are later than now, up to Mon 2026-01-12 09:30 UTC" in found.notes[0]


@pytest.mark.parametrize(
    ("script", "now_minutes", "expected"),
    [
        pytest.param("", 5, [], id="no tick is due yet"),
        pytest.param("", 16, [(0, None, "no sample for 16 min: does the monitor run?")], id="none"),
        pytest.param(".hh", 20, [], id="the first tick came in time"),
        pytest.param("..hh", 30, [(0, 20, "no sample for 20 min")], id="it came late"),
        pytest.param(
            "h..h", 60,
            [(0, 30, "no sample for 30 min"),
             (30, None, "no sample for 30 min: does the monitor run?")],
            id="a gap, and one that goes on",
        ),
        pytest.param(
            "hbubh", 40,
            [(0, 40, f"errors failed: the reason, and 2 more ticks{AGAIN}")],
            id="one stretch is one interruption",
        ),
        pytest.param("hu", 11, [(0, None, "errors gave inconclusive: the reason")], id="goes on"),
    ],
)  # fmt: skip
def test_what_interrupted_it(
    script: str, now_minutes: float, expected: list[tuple[int, int | None, str]]
) -> None:
    found = soaked(script, now_minutes=now_minutes)
    assert [(one.start, one.until, one.why) for one in found.interruptions] == [
        (after(start * MINUTE), None if until is None else after(until * MINUTE), why)
        for start, until, why in expected
    ]


def test_what_is_watched_by_nothing_is_never_stable() -> None:
    found = soak(Watch(), deployed(), measured("hhh"), hours(100), 1)
    assert (found.state, found.complete, found.earliest) == ("no_evidence", False, None)
    assert "add watch.objectives" in found.notes[0]


def test_what_is_not_deployed_has_no_soak() -> None:
    assert soak(watching(), [], measured("hhh"), hours(1), 1).state == "none"


@pytest.mark.parametrize(
    ("marks", "minutes"),
    [
        pytest.param([("deployed", 0, "a"), ("deployed", 20, "a")], 40, id="the same once more"),
        pytest.param([("deployed", 0, "a"), ("deployed", 20, "b")], 20, id="another deployed"),
        pytest.param([("deployed", 0, "a"), ("released", 20, "a")], 40, id="the same released"),
        pytest.param([("deployed", 0, "a"), ("released", 20, "b")], 0, id="another released"),
        pytest.param([("deployed", 0, "a"), ("rolled_back", 20, None)], 0, id="taken back"),
        pytest.param([("deployed", 0, "a"), ("rolled_back", 20, "a")], 0, id="taken back, named"),
        pytest.param(
            [("deployed", 0, "a"), ("rolled_back", 10, None), ("deployed", 30, "a")], 10,
            id="taken back and deployed again",
        ),
    ],
)  # fmt: skip
def test_what_starts_the_clock_again(marks: list[tuple[str, int, str]], minutes: float) -> None:
    book = Book()
    for kind, minute, tree in marks:
        book.write(kind, after(minute * MINUTE), tree=tree)
    found = soak(watching(), book.entries, measured("hhhhh"), after(40 * MINUTE), 3600)
    assert found.stable_seconds == minutes * MINUTE


def test_a_soak_that_failed_starts_again_with_the_next_deploy_even_of_the_same_tree() -> None:
    marks = [*deployed("t1"), Book().write("deployed", after(30 * MINUTE), tree="t1")]
    samples = measured("hbhhhhh")
    found = soak(watching("fail"), marks, samples, after(60 * MINUTE), 3600)
    assert (found.state, found.stable_seconds) == ("counting", 30 * MINUTE)
    assert soak_began(marks) == after(0)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        pytest.param({"objectives": ["a"]}, "watch.interval_seconds", id="no interval"),
        pytest.param(
            {"objectives": ["a"], "interval_seconds": 0}, "watch.interval_seconds", id="none at all"
        ),
        pytest.param({"on_breach": "ignore"}, "watch.on_breach", id="a policy nobody knows"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(raw: dict[str, object], path: str) -> None:
    with pytest.raises(ShapeError) as raised:
        Watch.of(raw)
    assert raised.value.path == path


def test_a_soak_is_json() -> None:
    found = soaked("hhu").as_dict()
    assert found["interruptions"] == [
        {
            "from": "2026-01-12T09:10:00.000000Z",
            "until": None,
            "why": "errors gave inconclusive: the reason",
        }
    ]
    assert (found["complete"], found["stable_seconds"]) == (False, 600)


# Random histories of up to a minute, in whole seconds, against a model that looks at every second.

INTERVAL = 4
NEIGHBOURS = 6  # one interval and a half
OBJECTIVES = ("errors", "latency")
SECONDS = st.integers(0, 60)
# Mostly something is deployed, and ticks come regularly, so that time counts at all.
Mark = tuple[str, int, str]
MARKS: st.SearchStrategy[list[Mark]] = st.builds(
    lambda first, others: [("deployed", first, "a"), *others],
    st.integers(0, 20),
    st.lists(
        st.tuples(
            st.sampled_from(["deployed", "deployed", "released", "rolled_back"]),
            SECONDS,
            st.sampled_from("ab"),
        ),
        max_size=3,
    ),
) | st.just([])
SAMPLES = st.lists(
    st.builds(
        sample,
        SECONDS.map(after),
        st.sampled_from(["pass"] * 12 + ["warn", "inconclusive", "error", "fail"]),
        st.sampled_from(OBJECTIVES),
    ),
    max_size=10,
)
REGULAR = st.builds(
    lambda start, every, count: [
        sample(after(start + every * n), "pass", name) for n in range(count) for name in OBJECTIVES
    ],
    st.integers(0, 30),
    st.sampled_from([1, 3, 4, 5, 6, 7]),
    st.integers(5, 20),
)


def written(marks: Iterable[tuple[str, int, str]]) -> list[Entry]:
    book = Book()
    for kind, second, tree in sorted(marks, key=lambda mark: mark[1]):
        book.write(kind, after(second), tree=tree)
    return book.entries


HISTORIES = st.tuples(MARKS.map(written), st.builds(list.__add__, REGULAR, SAMPLES))
History = tuple[list[Entry], list[Sample]]


def ticks_of(samples: Iterable[Sample]) -> dict[int, str]:
    """Return by second what a tick was: h for held, b for a breach, u for anything else."""
    verdicts: dict[int, list[tuple[str, str]]] = {}
    for one in samples:
        second = int((one.at - after(0)).total_seconds())
        verdicts.setdefault(second, []).append((one.objective, one.verdict))
    return {
        second: "b"
        if any(verdict == "fail" for _name, verdict in found)
        else "h"
        if {name for name, _verdict in found} == set(OBJECTIVES)
        and all(verdict in ("pass", "warn") for _name, verdict in found)
        else "u"
        for second, found in verdicts.items()
    }


def model(
    marks: list[Entry], samples: Iterable[Sample], policy: str, now: int
) -> tuple[int | None, bool, bool]:
    """Return the seconds that count (None if nothing is deployed), if it failed, if it holds now.

    For each second on its own: is it between two neighbouring ticks of this deploy that held, close
    enough, and with no breach after it?
    """
    ticks = {second: kind for second, kind in ticks_of(samples).items() if second <= now}
    start: int | None = None
    tree: object = None
    for mark in marks:
        second = int((mark.at - after(0)).total_seconds())
        same = start is not None and mark.data["tree"] == tree
        failed_before = (
            start is not None
            and policy == "fail"
            and any(start <= tick < second and ticks[tick] == "b" for tick in ticks)
        )
        if mark.kind == "deployed" and (not same or failed_before):
            start, tree = second, mark.data["tree"]
        elif mark.kind == "rolled_back" or (mark.kind == "released" and not same):
            start = None
    if start is None:
        return None, False, False
    own = sorted(second for second in ticks if second >= start)
    breaches = [second for second in own if ticks[second] == "b"]
    failed = policy == "fail" and bool(breaches)
    if failed:
        own = [second for second in own if second <= breaches[0]]
    count = 0
    for second in range(start + 1, now + 1):
        before = [tick for tick in own if tick < second]
        behind = [tick for tick in own if tick >= second]
        if not before or not behind:
            continue
        left, right = before[-1], behind[0]
        holds = ticks[left] == ticks[right] == "h" and right - left <= NEIGHBOURS
        wiped = policy == "reset" and any(breach >= second for breach in breaches)
        count += holds and not wiped
    return count, failed, bool(own) and ticks[own[-1]] == "h"


@given(HISTORIES, st.sampled_from(POLICIES), st.integers(0, 70), st.randoms())
def test_random_histories_count_as_a_slow_model_counts_them(
    history: History, policy: str, now: int, order: Random
) -> None:
    watch = Watch(OBJECTIVES, timedelta(seconds=INTERVAL), policy)
    marks = [mark for mark in history[0] if mark.at <= after(now)]
    count, failed, holds = model(marks, history[1], policy, now)
    samples = history[1] * 2
    order.shuffle(samples)
    for needed in (0, 5, 20):
        found = soak(watch, marks, samples, after(now), needed)
        assert found.stable_seconds == (count or 0)
        assert (found.state == "none") is (count is None)
        assert (found.state == "failed") is failed
        assert found.complete is (not failed and holds and (count or 0) >= needed)
        assert (found.earliest is None) is (count is None or failed or found.complete)


@given(HISTORIES, st.sampled_from(["reset", "pause"]), st.integers(1, 30))
def test_the_earliest_end_can_be_reached_and_not_be_beaten(
    history: History, policy: str, needed: int
) -> None:
    now = 60
    marks, samples = history[0], [one for one in history[1] if one.at < after(now)]
    watch = Watch(OBJECTIVES, timedelta(seconds=INTERVAL), policy)
    found = soak(watch, marks, samples, after(now), needed)
    if found.earliest is None:
        return
    # All goes well from now on: a tick in every second, and every one holds.
    end = int((found.earliest - after(0)).total_seconds())
    assert end >= now
    held = [sample(after(n), "pass", name) for n in range(now, end + 1) for name in OBJECTIVES]
    for second in range(now, end + 1):
        known = [*samples, *(one for one in held if one.at <= after(second))]
        assert soak(watch, marks, known, after(second), needed).complete is (second == end)


@given(HISTORIES, st.sampled_from(POLICIES), st.integers(0, 60))
def test_only_samples_since_the_deploy_matter(history: History, policy: str, needed: int) -> None:
    marks, samples = history
    began = soak_began(marks)
    watch = Watch(OBJECTIVES, timedelta(seconds=INTERVAL), policy)
    fetched = [one for one in samples if began is not None and one.at >= began]
    whole, part = (soak(watch, marks, of, hours(1), needed) for of in (samples, fetched))
    assert whole == part


@given(HISTORIES, st.sampled_from(["reset", "pause"]), st.integers(1, 30), st.integers(20, 60))
def test_of_fewer_samples_nothing_becomes_complete_that_is_not(
    history: History, policy: str, needed: int, second: int
) -> None:
    marks, samples = history
    watch = Watch(OBJECTIVES, timedelta(seconds=INTERVAL), policy)
    whole = soak(watch, marks, samples, after(60), needed)
    read = [one for one in samples if one.at >= after(second)]
    part = soak(watch, marks, read, after(60), needed, read_since=after(second))
    assert part.stable_seconds <= whole.stable_seconds
    assert whole.complete or not part.complete
    assert part.since is None
