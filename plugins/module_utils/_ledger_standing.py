# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries from which a status follows, out of a ledger that may be long.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, Iterable, List, Sequence, cast

from ansible_collections.phased.rollout.plugins.module_utils._entry import Entry
from ansible_collections.phased.rollout.plugins.module_utils._ledger_error import LedgerError
from ansible_collections.phased.rollout.plugins.module_utils._ledger_store import Ledger
from ansible_collections.phased.rollout.plugins.module_utils._login import Login

#: Of each phase. With fewer marks a soak can only seem to have begun later than it did.
MOST_MARKS = 200
GATES = ("entry", "integration", "release", "deploy", "exit")
# One walk back along the index for each phase and kind, which ends at what is looked for.
_NEWEST = """
SELECT body, previous, hash FROM unnest(%(phases)s::text[]) AS p (phase), LATERAL (
  (SELECT mark.body, mark.previous, mark.hash
  FROM (VALUES ('released'), ('deployed'), ('rolled_back')) AS k (kind), LATERAL (
    SELECT sequence, body, previous, hash FROM rollout.entries
    WHERE rollout = %(rollout)s AND kind = k.kind AND entries.phase = p.phase
    ORDER BY sequence DESC LIMIT %(most)s) AS mark
  ORDER BY mark.sequence DESC LIMIT %(most)s)
  UNION ALL
  SELECT gate.* FROM unnest(%(gates)s::text[]) AS g (gate), LATERAL (
    SELECT body, previous, hash FROM rollout.entries
    WHERE rollout = %(rollout)s AND kind = 'gate' AND entries.phase = p.phase
      AND body::json #>> '{data,gate}' = g.gate
    ORDER BY sequence DESC LIMIT 1) AS gate
  UNION ALL (
    SELECT body, previous, hash FROM rollout.entries
    WHERE rollout = %(rollout)s AND kind = 'backup' AND entries.phase = p.phase
    ORDER BY sequence DESC LIMIT 1)
) AS newest
"""
# A step that failed has an end for each of the hosts on which it did, and one beginning before.
_BEGUN = """
SELECT begun.body, begun.previous, begun.hash
FROM unnest(%(phases)s::text[], %(steps)s::text[], %(sequences)s::bigint[], %(runs)s::text[])
  AS ended (phase, step, sequence, run), LATERAL (
  SELECT * FROM (
    SELECT * FROM rollout.entries
    WHERE rollout = %(rollout)s AND entries.phase = ended.phase AND entries.step = ended.step
      AND entries.step IS NOT NULL AND entries.sequence < ended.sequence
    ORDER BY sequence DESC LIMIT %(most)s) AS earlier
  WHERE earlier.run = ended.run AND body::json #>> '{data,status}' = 'started'
  ORDER BY sequence DESC LIMIT 1) AS begun
"""
_MOST_ENDS = 50
_OF_ANY_PHASE = ("withdrawal", "review_due", "review")


class StandingLedger(Ledger):
    """A ledger that is asked where a rollout stands. Methods raise LedgerError."""

    @classmethod
    def connect(cls, login: Login, *, make: bool = True) -> StandingLedger:
        """Return the ledger in a database, as Ledger.connect() does."""
        return cast("StandingLedger", super().connect(login, make=make))

    def standing(self, rollout: str, phases: Sequence[str]) -> List[Entry]:
        """Return what says where phases stand, in no order.

        That is of each phase the newest MOST_MARKS marks, the newest of each of GATES, and the
        newest backup, and all withdrawals and reviews.
        """
        asked = {"phases": list(phases), "gates": list(GATES), "most": MOST_MARKS}
        newest = self._entries(_NEWEST, rollout=rollout, **asked)
        return newest + self.entries(rollout, kinds=_OF_ANY_PHASE)

    def begun(self, rollout: str, steps: Sequence[Entry]) -> List[Entry]:
        """Return the entries with which steps began that have ended, as far as they are told of."""
        asked = {
            "phases": [step.phase for step in steps],
            "steps": [step.step for step in steps],
            "sequences": [step.sequence for step in steps],
            "runs": [step.run for step in steps],
            "most": _MOST_ENDS,
        }
        return self._entries(_BEGUN, rollout=rollout, **asked)

    def approvals(self, rollout: str, phases: Iterable[str]) -> List[Entry]:
        """Return all approvals of phases, in no order."""
        kinds = ["approval"]
        found = (self.entries(rollout, kinds=kinds, phase=phase) for phase in phases)
        return list(chain.from_iterable(found))

    def _entries(self, query: str, **params: Any) -> List[Entry]:
        try:
            found = super()._entries(query, **params)
            unread = next((one.key for one in found if not isinstance(one.data, dict)), None)
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            unread = str(exc)
        if unread is not None:
            raise LedgerError(
                f"an entry of rollout {params['rollout']} cannot be read ({unread}): it was not"
                " written by this collection; verify the chain to see which one"
            )
        return found
