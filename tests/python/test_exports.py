"""Exports: the marts as files, whole or not at all, and without personal data."""

import json
import shutil

import duckdb
import pytest

from conftest import Shop
from plugins.export_folder import begin_export, publish_export

PERSONAL = {"customer_name", "email", "city"}


@pytest.fixture(scope="module")
def shop(sample, tmp_path_factory):
    """Copy the sample's marts, one product named like a formula."""
    database = tmp_path_factory.mktemp("exports") / "exports.duckdb"
    shutil.copy(sample.database, database)
    with duckdb.connect(str(database)) as connection:
        # The shop's file is named otherwise than the views in it say.
        connection.execute(
            "update sales.product_performance set product_name = '=1+1' where revenue_rank = 1"
        )
    return Shop(sample.raw, database)


@pytest.fixture(scope="module")
def folder(shop):
    target = shop.database.with_name("files")
    export(shop, target)
    return target


def export(shop, target, **arguments):
    arguments = json.dumps({"place": str(target)} | arguments)
    return shop.dbt("run-operation", "export_marts", "--args", arguments)


def rows(sql):
    return duckdb.sql(sql).fetchall()


def columns_of(folder):
    parquet = f"select name from parquet_schema('{folder}/**/*.parquet')"
    names = {name for (name,) in rows(parquet)}
    for file in folder.glob("csv/**/*.csv"):
        names |= set(file.read_text().partition("\n")[0].split(","))
    for file in folder.glob("json/**/*.jsonl"):
        names |= json.loads(file.read_text().partition("\n")[0] or "{}").keys()
    return names


def test_order_lines_stand_by_month_and_add_up(shop, folder):
    lines = f"read_parquet('{folder}/order_lines/**/*.parquet', hive_partitioning = true)"
    [(count, revenue)] = rows(f"select count(*), sum(line_revenue) from {lines}")
    assert shop.query("select count(*), sum(line_revenue) from core.fct_order_lines") == [
        (count, revenue)
    ]
    assert rows(
        f"select count(*) from {lines} where year != extract(year from order_date)"
        " or month::integer != extract(month from order_date) or rfm_segment is null"
        " and customer_id is not null and not is_cancelled"
    ) == [(0,)]


def test_every_mart_has_its_rows_in_every_form(shop, folder):
    for file in folder.glob("parquet/*/*.parquet"):
        mart = f"{file.parent.name}.{file.stem}"
        [(count,)] = shop.query(f"select count(*) from {mart}")
        assert rows(f"select count(*) from '{file}'") == [(count,)], mart
        lines = folder / f"json/{file.parent.name}/{file.stem}.jsonl"
        if lines.exists():
            assert len(lines.read_text().splitlines()) == count
            sheet = f"read_csv('{folder}/csv/{file.parent.name}/{file.stem}.csv', header = true)"
            assert rows(f"select count(*) from {sheet}") == [(count,)], mart
    assert len(list(folder.glob("csv/*/*.csv"))) >= 25


def test_no_personal_data_is_written_unless_asked_for(shop, folder, tmp_path):
    assert not columns_of(folder) & PERSONAL
    assert "personal data included" in export(shop, tmp_path / "all", personal_data=True).stdout
    assert columns_of(tmp_path / "all") >= PERSONAL


def test_no_cell_of_a_spreadsheet_is_a_formula(folder):
    sheet = (folder / "csv/sales/product_performance.csv").read_text()
    assert ",'=1+1," in sheet and ",=1+1," not in sheet
    assert '"=1+1"' in (folder / "json/sales/product_performance.jsonl").read_text()


def test_reports_say_what_the_marts_say(shop, folder):
    [(month, revenue)] = shop.query(
        "select strftime(month_date, '%Y-%m'), revenue from sales.monthly_sales"
        " where is_whole_month order by month_date desc limit 1"
    )
    report = (folder / "sales_report.txt").read_text()
    assert any(line.startswith(month) and f"{revenue:,}" in line for line in report.splitlines())
    summary = (folder / "kpi_summary.txt").read_text()
    assert month in summary and f"{revenue:,}" in summary


def test_a_failed_export_leaves_the_last_one_whole(shop, folder):
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    broken = Shop(shop.raw, shop.database.with_name("broken.duckdb"))
    shutil.copy(shop.database, broken.database)
    with duckdb.connect(str(broken.database)) as connection:
        connection.execute("alter table sales.sales_forecast drop column expected_units")
    assert export(broken, folder).returncode != 0
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert export(shop, folder).returncode == 0
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_folder_of_somebody_elses_is_left_alone(shop, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    result = export(shop, tmp_path)
    assert "holds files that no export wrote: name an empty or a new folder" in result.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_export_killed_while_it_took_its_place_is_taken_back(tmp_path):
    begin_export(str(tmp_path / "files"))
    publish_export(str(tmp_path / "files"))
    (tmp_path / "files").rename(tmp_path / ".files.previous")
    begin_export(str(tmp_path / "files"))
    assert (tmp_path / "files/.clientele_export").exists()


def test_marts_that_were_not_built_are_not_exported(make_shop, tmp_path):
    result = export(make_shop(), tmp_path / "files")
    assert "has not been built in this target yet: run `dbt build` first" in result.stdout
    assert not (tmp_path / "files").exists()
