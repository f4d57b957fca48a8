"""What is found wrong in all that dbt compiles, before or after it is built."""

import json

import pytest

from snowflake_emulator.compiled import reserved_names, wrong_types


def test_reserved_words_are_found_before_a_build(tmp_path):
    compiled = {
        "columns": {"order": {}, "place": {}},
        "compiled_code": "with following as (select 1 as a) select a, a as qualify from following",
        "language": "sql",
        "original_file_path": "models/wrong.sql",
    }
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": {"wrong": compiled}, "sources": {}}))
    assert reserved_names(manifest) == [
        "models/wrong.sql: Snowflake reserves following, order, qualify: rename."
    ]


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("select b from core.t", "Column 'B' could not be resolved"),
        ("select try_cast(a as date) as a from core.t", "TRY_CAST takes text only"),
        ("select a / count(*) over () as a from core.t", "a quotient of exact numbers is rounded"),
        ("select a * a / (a + 1) as a from core.t", "a quotient of exact numbers is rounded"),
        ("select a from core.t where a = name", "number and text meet"),
        ("select coalesce(a, name) as a from core.t", "number and text meet"),
        ("select case when a = 1 then at else name end as a from core.t", "text and time meet"),
    ],
)
def test_a_wrong_name_or_type_is_found_in_compiled_sql(tmp_path, sql, fault):
    node = {"columns": {}, "compiled_code": sql, "original_file_path": "models/wrong.sql"}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": {"wrong": node}, "sources": {}}))
    columns = [
        ("ANALYTICS", "CORE", "T", "A", "NUMBER"),
        ("ANALYTICS", "CORE", "T", "NAME", "VARCHAR"),
        ("ANALYTICS", "CORE", "T", "AT", "TIMESTAMP_NTZ"),
    ]
    assert [
        one.startswith(f"models/wrong.sql: {fault}") for one in wrong_types(manifest, columns)
    ] == [True]
