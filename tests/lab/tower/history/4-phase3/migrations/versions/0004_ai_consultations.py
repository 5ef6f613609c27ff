# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what Echo Brain was asked, what it advised, and what came of it."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables ai_consultations and consultation_effectiveness."""
    op.execute(
        """
        CREATE TABLE ai_consultations (
            consultation_id uuid PRIMARY KEY,
            generation_id uuid NOT NULL UNIQUE REFERENCES generations,
            project_id text NOT NULL,
            kind text NOT NULL,
            question jsonb NOT NULL,
            advice jsonb,
            succeeded boolean NOT NULL,
            outcome text NOT NULL,
            seconds double precision NOT NULL CHECK (seconds >= 0),
            "timestamp" timestamptz NOT NULL DEFAULT now(),
            CHECK (succeeded = (advice IS NOT NULL))
        )
        """
    )
    op.execute('CREATE INDEX ai_consultations_timestamp ON ai_consultations ("timestamp")')
    op.execute(
        """
        CREATE TABLE consultation_effectiveness (
            consultation_id uuid PRIMARY KEY REFERENCES ai_consultations,
            kind text NOT NULL,
            quality_before double precision NOT NULL,
            quality_after double precision NOT NULL,
            improved boolean NOT NULL,
            "timestamp" timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute(
        "CREATE INDEX consultation_effectiveness_timestamp"
        ' ON consultation_effectiveness ("timestamp")'
    )


def downgrade() -> None:
    """Remove both tables."""
    op.execute("DROP TABLE consultation_effectiveness, ai_consultations")
