# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection says of check mode, diff mode and platforms."""

from __future__ import annotations


class ModuleDocFragment:
    """The names that modules extend: attributes, and attributes.info_module."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what would change without changing it.
  diff_mode:
    description: Returns what has changed, or would change, in diff mode.
  platform:
    description: Where the module runs.
    platforms: posix
    support: full
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module only reads, so check mode makes no difference.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
"""

    ACTIONGROUP_ROLLOUT = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/phased.rollout.rollout) in C(module_defaults) for these modules.
    support: full
    membership:
      - phased.rollout.rollout
"""
