#!/usr/bin/env bash
# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Validates the deployment at STAGING_URL over HTTP; EXPECTED_RELEASE is what must run there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec /usr/bin/python3 -B -m tests.validation.staging "$@"
