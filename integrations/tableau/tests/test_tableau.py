"""Tableau's files: read back, they hold what the marts hold, and nobody's name."""

import shutil
from xml.etree import ElementTree

import duckdb
import pantab
import pytest

from integrations.tableau.__main__ import read_manifest, write_all
from integrations.tableau.fields import marts

PERSONAL = {"customer_name", "email", "city"}


@pytest.fixture(scope="module")
def manifest():
    return read_manifest()


@pytest.fixture(scope="module")
def folder(manifest, sample, tmp_path_factory):
    out = tmp_path_factory.mktemp("tableau") / "files"
    assert write_all(manifest, sample.database, out) > 25
    return out


def rows_of(path):
    return pantab.frame_from_hyper(path, table="Extract", return_type="pyarrow")


def test_extracts_hold_the_rows_and_money_of_the_marts(folder, manifest, sample):
    for mart in marts(manifest):
        extract = rows_of(folder / f"{mart.name}.hyper")
        names = set(extract.column_names)
        assert names == set(mart.columns) - PERSONAL, mart.name
        [(count,)] = sample.query(f"select count(*) from {mart.schema}.{mart.name}")
        assert len(extract) == count, mart.name
        for name in names & {"revenue", "monetary", "money_at_risk", "stock_value"}:
            found = sum(value or 0 for value in extract[name].to_pylist())
            [(total,)] = sample.query(f"select sum({name}) from {mart.schema}.{mart.name}")
            assert found == pytest.approx(float(total)), (mart.name, name)


def test_data_sources_name_every_column_once_in_a_folder(folder, manifest):
    for mart in marts(manifest):
        source = ElementTree.parse(folder / f"{mart.name}.tds").getroot()
        columns = [column.get("name")[1:-1].lower() for column in source.iter("column")]
        assert columns == [name for name in mart.columns if name not in PERSONAL]
        items = [item.get("name")[1:-1].lower() for item in source.iter("folder-item")]
        assert sorted(items) == sorted(columns)
        assert all(run.text for run in source.iter("run"))
        table = source.find(".//relation").get("table")
        assert table == f"[{mart.schema.upper()}].[{mart.name.upper()}]"


def test_money_and_shares_look_like_it_and_technical_fields_are_hidden(folder):
    source = ElementTree.parse(folder / "customer_360.tds").getroot()
    columns = {column.get("name")[1:-1].lower(): column.attrib for column in source.iter("column")}
    assert columns["churn_probability"]["default-format"] == "p0.0%"
    assert columns["money_at_risk"]["default-format"].startswith("n#,##0.00")
    assert columns["churn_model_version"]["hidden"] == "true"
    assert "hidden" not in columns["recommended_action"]
    assert columns["r_score"]["role"] == "dimension"
    assert columns["first_order_date"]["type"] == "ordinal"
    assert columns["frequency"]["role"] == "measure"


def test_personal_data_is_written_when_asked_for_by_name(manifest, sample, tmp_path):
    write_all(manifest, sample.database, tmp_path / "all", personal_data=True)
    assert set(rows_of(tmp_path / "all/customer_360.hyper").column_names) >= PERSONAL


def test_a_failure_leaves_the_last_files_whole(folder, manifest, sample, tmp_path):
    broken = tmp_path / "broken.duckdb"
    shutil.copy(sample.database, broken)
    with duckdb.connect(str(broken)) as connection:
        connection.execute("drop table sales.sales_forecast")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(duckdb.CatalogException):
        write_all(manifest, broken, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_of_somebody_elses_is_left_alone(manifest, sample, tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="thesis.txt, which is none of Tableau's"):
        write_all(manifest, sample.database, tmp_path)
    with pytest.raises(SystemExit, match="run `make build` first"):
        write_all(manifest, tmp_path / "no.duckdb", tmp_path / "files")
