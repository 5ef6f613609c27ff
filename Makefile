# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.PHONY: help demo test lint sanity unit integration molecule e2e bench docs lab-up lab-down clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: ## Start the lab and run phase 1 of the Tower plan on it
	@tests/setup demo && tests/demo

test: ## Everything that proves the project
	@tests/setup test && tests/run lint sanity unit integration molecule e2e

lint: ## ansible-lint, yamllint, ruff, mypy, documentation and changelog
	@tests/setup test && tests/run lint

sanity: ## ansible-test sanity, on every interpreter found
	@tests/setup test && tests/run sanity

unit: ## Unit tests, on every interpreter found
	@tests/setup test && tests/run unit

integration: ## Modules against a real PostgreSQL, Prometheus and git remote
	@tests/setup test && tests/run integration

molecule: ## Every role on lab hosts
	@tests/setup test && tests/run molecule

e2e: ## The playbooks on the lab
	@tests/setup test && tests/run e2e

bench: ## Benchmarks, as ratios against the bare tool
	@tests/setup test && tests/run bench

docs: ## Write docs/modules and docs/roles again
	@tests/setup test && tests/run docs

lab-up: ## Start the lab's hosts
	@tests/setup demo && tests/lab/lab up

lab-down: ## Stop the lab's hosts
	@tests/lab/lab down

clean: ## Remove everything that the targets above have made
	@tests/run clean
