"""COPY INTO a stage: the rows of a query as Parquet, CSV, JSON and text."""

import pytest
from snowflake.connector.errors import ProgrammingError

from snowflake_emulator import Emulator

ROWS = "select 1 as id, 'a,b' as name, '2024' as year union all select 2, null, '2025'"
JSON = "(type = json compression = none)"
CSV = "(type = csv field_optionally_enclosed_by = '\"' compression = none)"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with Emulator(tmp_path_factory.mktemp("unload")) as emulator:
        emulator.run_script("create database db; create schema db.s; create stage db.s.files")
        yield emulator


def files(emulator):
    return {row[0].partition("/")[2] for row in emulator.query("list @db.s.files")}


def test_rows_are_unloaded_by_format_and_partition(emulator):
    unload = "copy into @db.s.files/{} from ({}) {} file_format = {}"
    for place, query, partition, form in [
        ("csv/", ROWS, "", f"{CSV} header = true"),
        ("parquet/", ROWS, "partition by ('year=' || year)", "(type = parquet) header = true"),
        (
            "json/",
            f"select object_construct(*) from ({ROWS})",
            "",
            "(type = json compression = none)",
        ),
    ]:
        assert emulator.query(unload.format(place, query, partition, form))[0][0] == 2
    assert files(emulator) >= {
        "csv/data_0_0_0.csv",
        "json/data_0_0_0.json",
        "parquet/year=2024/data_0_0_0.parquet",
        "parquet/year=2025/data_0_0_0.parquet",
    }


def test_a_file_is_replaced_only_when_that_is_said(emulator):
    text = "(type = csv field_delimiter = none record_delimiter = none compression = none)"
    once = f"copy into @db.s.files/LATEST from (select 'it''s') file_format = {text} single = true"
    emulator.query(once)
    with pytest.raises(ProgrammingError, match="already existing"):
        emulator.query(once)
    emulator.query(f"{once} overwrite = true")
    assert "LATEST" in files(emulator)
