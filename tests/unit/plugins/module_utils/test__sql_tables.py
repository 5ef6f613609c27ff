# Copyright (c) 2026, The phased.rollout authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables a statement touches, in many spellings."""

from __future__ import annotations

import pytest

from ansible_collections.phased.rollout.plugins.module_utils._sql_tables import (
    Name,
    Touched,
    touched_by,
)
from ansible_collections.phased.rollout.plugins.module_utils._sql_text import statements_of

T, U, S_T = Name(None, "t"), Name(None, "u"), Name("s", "t")
INDEX, J = Name(None, "i"), Name("s", "j")


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("ALTER TABLE t ADD COLUMN c int", [T]),
        ("alter table if exists only T drop column c", [T]),
        ("ALTER TABLE s.t * RENAME TO u", [S_T]),
        ("ALTER TABLE db.s.t RENAME TO u", [S_T]),
        ('ALTER TABLE "S p"."T ""1"".x" ADD c int', [Name("S p", 'T "1".x')]),
        ('ALTER TABLE "t" ADD c int', [T]),
        ("ALTER TABLE/**/t ADD c int", [T]),
        ("ALTER FOREIGN TABLE t ADD c int", [T]),
        ("ALTER MATERIALIZED VIEW t RENAME TO u", [T]),
        ("ALTER VIEW t RENAME TO u", [T]),
        ("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id)", [T]),
        ("ALTER TABLE t ATTACH PARTITION u FOR VALUES IN (1)", [T, U]),
        ("ALTER TABLE t DETACH PARTITION u CONCURRENTLY", [T, U]),
        ("ALTER TABLE t INHERIT u", [T, U]),
        ("ALTER TABLE t NO INHERIT u", [T, U]),
        ("ALTER TABLE t ADD CHECK (a > 0) NO INHERIT NOT VALID", [T]),
        ("ALTER TABLE t ADD CHECK (a > 0) NO INHERIT", [T]),
        ("ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b", [Name(None, "all")]),
        ("CREATE INDEX i ON t (a)", [T]),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING btree (a)", [S_T]),
        ("CREATE INDEX ON t (a)", [T]),
        ("CREATE INDEX CONCURRENTLY ON t (a)", [T]),
        ('CREATE INDEX "on" ON t (a)', [T]),
        ("CREATE TABLE t PARTITION OF u DEFAULT", [U]),
        ("CREATE TABLE t (a int) PARTITION BY RANGE (a)", []),
        ("CREATE OR REPLACE TRIGGER x AFTER INSERT OR UPDATE ON t EXECUTE FUNCTION f()", [T]),
        ("CREATE CONSTRAINT TRIGGER x AFTER INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION f()",
         [S_T]),
        ("CREATE POLICY p ON t USING (true)", [T]),
        ("CREATE TYPE t AS ENUM ('a')", []),
        ("CREATE EXTENSION pgcrypto", []),
        ("DROP TABLE t", [T]),
        ("DROP TABLE IF EXISTS t, s.t CASCADE", [T, S_T]),
        ("DROP MATERIALIZED VIEW t", [T]),
        ("DROP TRIGGER IF EXISTS x ON t", [T]),
        ("DROP TYPE t", []),
        ("DROP SCHEMA s CASCADE", []),
        ("TRUNCATE t", [T]),
        ("TRUNCATE TABLE ONLY t *, u RESTART IDENTITY", [T, U]),
        ("LOCK TABLE ONLY t, u IN SHARE MODE", [T, U]),
        ("CLUSTER VERBOSE t USING i", [T]),
        ("CLUSTER", []),
        ("VACUUM FULL VERBOSE t", [T]),
        ("VACUUM (FULL, ANALYZE) s.t", [S_T]),
        ("REINDEX TABLE CONCURRENTLY t", [T]),
        ("REINDEX (VERBOSE) TABLE t", [T]),
        ("REINDEX SCHEMA s", []),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY t", [T]),
        ("UPDATE ONLY t SET a = 1", [T]),
        ("DELETE FROM ONLY s.t", [S_T]),
        ("INSERT INTO t SELECT * FROM u", [T]),
        ("COPY t (a) FROM STDIN", [T]),
        ("SELECT * FROM t", []),
        ("DO $$ BEGIN END $$", []),
        ("ALTER TABLE", []),
        ("DROP TABLE 'x'", []),
        (";)", []),
    ],
)  # fmt: skip
def test_tables(sql, tables):
    assert [name for one in statements_of(sql) for name in touched_by(one).tables] == tables


@pytest.mark.parametrize(
    ("sql", "touched"),
    [
        ("DROP INDEX CONCURRENTLY IF EXISTS i, s.j", Touched(indexes=(INDEX, J))),
        ("ALTER INDEX IF EXISTS s.j RENAME TO k", Touched(indexes=(J,))),
        ("REINDEX INDEX CONCURRENTLY i", Touched(indexes=(INDEX,))),
        ("CREATE INDEX i ON s.t (a)", Touched(tables=(S_T,), index=INDEX)),
        ("CREATE INDEX IF NOT EXISTS i ON t (a)", Touched(tables=(T,))),
        ("CREATE TABLE t (a int REFERENCES u)", Touched(made=T)),
        ("CREATE UNLOGGED TABLE s.t AS SELECT 1", Touched(made=S_T)),
        ("CREATE TEMP TABLE t (a int)", Touched(made=T)),
        ("CREATE TABLE IF NOT EXISTS t (a int)", Touched(made=T, maybe_made=True)),
    ],
)
def test_indexes_and_what_is_made(sql, touched):
    assert touched_by(statements_of(sql)[0]) == touched


def test_a_name_is_shown_as_people_write_it():
    assert [str(name) for name in (T, S_T)] == ["t", "s.t"]
