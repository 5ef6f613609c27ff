# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep every generation."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Add the table generations."""
    op.execute(
        """
        CREATE TABLE generations (
            generation_id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('image', 'video', 'upscale')),
            prompt text NOT NULL,
            project_id text NOT NULL,
            release text NOT NULL,
            succeeded boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute("CREATE INDEX generations_created_at ON generations (created_at)")


def downgrade() -> None:
    """Remove the table generations."""
    op.execute("DROP TABLE generations")
