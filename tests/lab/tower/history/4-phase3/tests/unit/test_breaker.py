# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who does not answer is left alone for a while."""

from __future__ import annotations

import unittest

from tower.breaker import CircuitBreaker


class CircuitBreakerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.breaker = CircuitBreaker(3, 5.0, clock=lambda: self.now)

    def miss(self, times: int) -> None:
        for _ in range(times):
            self.breaker.failed()

    def test_it_forgives_until_it_does_not(self) -> None:
        self.miss(2)
        self.assertTrue(self.breaker.allows())
        self.miss(1)
        self.assertFalse(self.breaker.allows())

    def test_a_success_begins_a_new_count(self) -> None:
        self.miss(2)
        self.breaker.succeeded()
        self.miss(2)
        self.assertTrue(self.breaker.allows())

    def test_after_the_pause_one_call_gets_through(self) -> None:
        self.miss(3)
        self.now = 5.0
        self.assertEqual([self.breaker.allows() for _ in range(3)], [True, False, False])

    def test_a_probe_that_goes_well_closes_it(self) -> None:
        self.miss(3)
        self.now = 5.0
        self.breaker.allows()
        self.breaker.succeeded()
        self.assertTrue(self.breaker.allows())

    def test_a_probe_that_goes_wrong_begins_a_new_pause(self) -> None:
        self.miss(3)
        self.now = 5.0
        self.breaker.allows()
        self.breaker.failed()
        self.now = 9.0
        self.assertFalse(self.breaker.allows())

    def test_a_probe_that_never_tells_is_followed_by_another(self) -> None:
        self.miss(3)
        self.now = 5.0
        self.breaker.allows()
        self.now = 10.0
        self.assertTrue(self.breaker.allows())
