# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Iterator, Optional

import pytest

from ansible_collections.phased.rollout.plugins.module_utils import _measure
from ansible_collections.phased.rollout.plugins.module_utils._measure import (
    Retried,
    measure_all,
)
from ansible_collections.phased.rollout.plugins.module_utils._source import (
    Measurement,
    Retries,
    Source,
    SourceError,
    UnreachableError,
)


@dataclass(frozen=True)
class Fake(Source):
    """A source that calls a function."""

    answer: Callable[[], Measurement] = lambda: Measurement(value=1.0)

    @classmethod
    def read(cls, fields: Any, context: Any) -> Any:
        raise NotImplementedError

    @property
    def asked(self) -> str:
        return "what is it"

    def measure(self) -> Measurement:
        return self.answer()


def failing(exc: Exception) -> Callable[[], Measurement]:
    def answer() -> Measurement:
        raise exc

    return answer


@pytest.fixture
def hang() -> Iterator[Callable[[], Measurement]]:
    """Return a call that does not come back while the test runs."""
    end = threading.Event()

    def wait() -> Measurement:
        end.wait(30)
        return Measurement(value=1.0)

    yield wait
    end.set()


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_measure, "GRACE_SECONDS", 0.05)


def test_nothing_to_ask_gives_nothing() -> None:
    assert measure_all({}) == {}


def test_an_answer_carries_what_was_asked_and_how_long_it_took() -> None:
    measured = measure_all({"a": Fake(5)})["a"]
    assert (measured.value, measured.asked, measured.error) == (1.0, "what is it", None)
    assert measured.seconds is not None
    assert 0 <= measured.seconds < 5


@pytest.mark.parametrize(
    ("exc", "error"),
    [
        pytest.param(SourceError("refused"), "refused", id="the source says what went wrong"),
        pytest.param(KeyError("x"), "fault in the source: KeyError: 'x'", id="a fault of ours"),
    ],
)
def test_a_source_that_fails_leaves_the_others_alone(exc: Exception, error: str) -> None:
    measured = measure_all({"bad": Fake(5, failing(exc)), "good": Fake(5)})
    assert measured["bad"].error == error
    assert measured["good"].value == 1.0


def test_a_source_that_hangs_is_left_behind(hang: Callable[[], Measurement]) -> None:
    started = time.monotonic()
    measured = measure_all({"slow": Fake(0.1, hang), "good": Fake(5)})
    assert time.monotonic() - started < 2
    assert (measured["slow"].error, measured["slow"].seconds) == ("no answer within 0.1 s", 0.1)
    assert measured["good"].value == 1.0


def test_a_source_left_behind_does_not_keep_the_module_from_ending(
    hang: Callable[[], Measurement],
) -> None:
    measure_all({"slow": Fake(0.1, hang)})
    asking = [thread for thread in threading.enumerate() if "_ask" in thread.name]
    assert asking
    assert all(thread.daemon for thread in asking)


def test_hanging_sources_give_their_places_to_those_that_wait(
    hang: Callable[[], Measurement],
) -> None:
    sources = {f"slow{number}": Fake(0.1, hang) for number in range(2)}
    measured = measure_all({**sources, "good": Fake(5)}, limit=2)
    assert measured["good"].value == 1.0


def test_an_answer_that_comes_too_late_is_not_taken() -> None:
    def late() -> Measurement:
        time.sleep(0.3)
        return Measurement(value=1.0)

    def slower() -> Measurement:
        time.sleep(0.6)
        return Measurement(value=1.0)

    measured = measure_all({"late": Fake(0.05, late), "slower": Fake(5, slower)})
    assert (measured["late"].value, measured["late"].error) == (None, "no answer within 0.05 s")
    assert measured["slower"].value == 1.0


@dataclass(frozen=True)
class Shy(Fake):
    AT_ONCE: ClassVar[Optional[int]] = 2


@pytest.mark.parametrize(
    ("source", "limit", "expected"),
    [
        pytest.param(lambda answer: Fake(5, answer), 3, 3, id="all together"),
        pytest.param(lambda answer: Shy(5, answer), 9, 2, id="a kind that bears fewer"),
        pytest.param(
            lambda answer: Retried.of(Shy(5, answer), Retries(1, 0)), 9, 2, id="retried or not"
        ),
    ],
)
def test_no_more_sources_than_the_limit_are_asked_at_a_time(
    source: Callable[[Any], Source], limit: int, expected: int
) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def count() -> Measurement:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1
        return Measurement(value=1.0)

    sources = {str(number): source(count) for number in range(12)}
    measured = measure_all(sources, limit=limit)
    assert len(measured) == 12
    assert most[0] == expected


def test_a_kind_that_must_wait_holds_nobody_else(hang: Callable[[], Measurement]) -> None:
    shy: dict[str, Source] = {f"shy{number}": Shy(0.3, hang) for number in range(3)}
    started: list[float] = []

    def note() -> Measurement:
        started.append(time.monotonic())
        return Measurement(value=1.0)

    begin = time.monotonic()
    measured = measure_all({**shy, "other": Fake(5, note)})
    assert started[0] - begin < 0.25
    assert measured["other"].value == 1.0


@pytest.mark.parametrize(
    ("outcomes", "expected", "tries"),
    [
        pytest.param([UnreachableError("down"), 5.0], (5.0, None), 2, id="it comes back"),
        pytest.param(
            [UnreachableError("down")] * 3, (None, "down (asked 3 times)"), 3, id="it stays down"
        ),
        pytest.param([50.0], (50.0, None), 1, id="a bad value is not asked again"),
        pytest.param([SourceError("two rows")], (None, "two rows"), 1, id="nor is a bad answer"),
    ],
)
def test_only_what_cannot_be_asked_is_asked_again(
    outcomes: list[Any], expected: Any, tries: int
) -> None:
    left = list(outcomes)

    def answer() -> Measurement:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Measurement(value=outcome)

    measured = measure_all({"a": Retried.of(Fake(1, answer), Retries(2, 0.01))})["a"]
    assert (measured.value, measured.error) == expected
    assert (len(outcomes) - len(left), measured.asked) == (tries, "what is it")


def test_sources_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(5, timeout=5)

    def meet() -> Measurement:
        together.wait()
        return Measurement(value=1.0)

    measured = measure_all({str(number): Fake(5, meet) for number in range(5)})
    assert [one.error for one in measured.values()] == [None] * 5


def test_the_given_order_is_kept() -> None:
    assert list(measure_all({name: Fake(5) for name in "cab"})) == ["c", "a", "b"]
