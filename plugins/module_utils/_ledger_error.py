# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with the ledger; the message of each says what, where, and what to do next.

This module util is PRIVATE to the collection.
"""

from __future__ import annotations


class LedgerError(Exception):
    """The ledger could not be read or written."""


class EntryError(LedgerError):
    """What was to be written is no entry."""


class KeyTakenError(LedgerError):
    """The key stands in the ledger already, with something else under it."""


class LedgerAbsentError(LedgerError):
    """The database holds no ledger yet."""


class LedgerGoneError(LedgerError):
    """The server cannot be reached, or was lost on the way; the same command may be run again."""


class LeaseError(LedgerError):
    """The lease is held by another run, or has run out."""


class LeaseLostError(LeaseError):
    """The lease was this run's, and is not any more."""
