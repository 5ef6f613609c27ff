# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Track the decision behind every generation."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table generation_decisions."""
    op.execute(
        """
        CREATE TABLE generation_decisions (
            decision_id uuid PRIMARY KEY,
            generation_id uuid NOT NULL REFERENCES generations,
            project_id text NOT NULL,
            kind text NOT NULL,
            decision jsonb NOT NULL,
            "timestamp" timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute('CREATE INDEX generation_decisions_timestamp ON generation_decisions ("timestamp")')
    op.execute(
        "CREATE UNIQUE INDEX generation_decisions_generation_id"
        " ON generation_decisions (generation_id)"
    )


def downgrade() -> None:
    """Remove the table generation_decisions."""
    op.execute("DROP TABLE generation_decisions")
