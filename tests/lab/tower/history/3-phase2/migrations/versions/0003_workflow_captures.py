# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture the workflow behind every generation."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table workflow_captures."""
    op.execute(
        """
        CREATE TABLE workflow_captures (
            capture_id uuid PRIMARY KEY,
            generation_id uuid NOT NULL UNIQUE REFERENCES generations,
            kind text NOT NULL,
            workflow jsonb NOT NULL,
            timings jsonb NOT NULL,
            seconds double precision NOT NULL CHECK (seconds >= 0),
            captured_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute("CREATE INDEX workflow_captures_captured_at ON workflow_captures (captured_at)")


def downgrade() -> None:
    """Remove the table workflow_captures."""
    op.execute("DROP TABLE workflow_captures")
