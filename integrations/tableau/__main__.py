"""Write Tableau's files of the built marts: python -m integrations.tableau [--out FOLDER].

An extract (`.hyper`) per mart of customers, sales and inventory, for Tableau Desktop, Public and
Reader, and a data source (`.tds`) for the same mart live on Snowflake, with the captions,
descriptions, formats and folders that dbt's YAML gives; and a workbook with a marketing dashboard.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pantab

from integrations.tableau.fields import describe, fields_of, marts
from integrations.tableau.workbook import write_workbook

PROJECT = Path(__file__).parents[2]


def read_manifest():
    """Let dbt describe the project for Snowflake; needs no connection, and returns the path."""
    folder = Path(tempfile.mkdtemp())
    dbt = [Path(sys.executable).parent / "dbt", "--quiet", "parse", "--target", "snowflake"]
    production = {"SNOWFLAKE_SCHEMA": os.environ.get("SNOWFLAKE_SCHEMA", "main")}
    subprocess.run(
        [*dbt, "--target-path", folder], cwd=PROJECT, check=True, env=os.environ | production
    )
    return folder / "manifest.json"


def write_extract(shop, mart, fields, path):
    """Write a mart's rows as a Hyper extract."""
    columns = ", ".join(
        # Tableau computes with doubles; an exact decimal of 18 digits would be cut otherwise.
        f"cast({field.name} as double) as {field.name}" if field.kind == "money" else field.name
        for field in fields
    )
    rows = shop.sql(f"select {columns} from {mart.schema}.{mart.name} order by all")
    pantab.frame_to_hyper(rows.to_arrow_table(), path, table="Extract")


def write_source(mart, fields, path):
    """Write a mart as a data source that asks Snowflake."""
    source = ElementTree.Element(
        "datasource", {"formatted-name": mart.name, "inline": "true", "version": "18.1"}
    )
    federated = ElementTree.SubElement(source, "connection", {"class": "federated"})
    named = ElementTree.SubElement(federated, "named-connections")
    named = ElementTree.SubElement(
        named, "named-connection", {"caption": "Snowflake", "name": "snowflake.clientele"}
    )
    account = os.environ.get("SNOWFLAKE_ACCOUNT", "your_account")
    ElementTree.SubElement(
        named,
        "connection",
        {
            "class": "snowflake",
            "authentication": "Username Password",
            "server": f"{account}.snowflakecomputing.com",
            "dbname": mart.database.upper(),
            "schema": mart.live_schema.upper(),
            "warehouse": os.environ.get("SNOWFLAKE_WAREHOUSE", "REPORTING"),
            "service": os.environ.get("SNOWFLAKE_REPORTER_ROLE", "REPORTER"),
        },
    )
    table = f"[{mart.live_schema.upper()}].[{mart.name.upper()}]"
    ElementTree.SubElement(
        federated,
        "relation",
        {
            "connection": "snowflake.clientele",
            "name": mart.name.upper(),
            "table": table,
            "type": "table",
        },
    )
    describe(source, fields, str.upper)
    ElementTree.indent(source)
    ElementTree.ElementTree(source).write(path, encoding="utf-8", xml_declaration=True)


def write_all(manifest, database, out, personal_data=False):
    """Write all files beside the last ones, and put them in their place when they are whole.

    Parameters
    ----------
    manifest : Path
        dbt's manifest.
    database : Path
        The shop's DuckDB file.
    out : Path
        Folder to write; only one that holds nothing but Tableau's files is replaced.
    personal_data : bool
        Whether columns that hold personal data are written too.

    Returns
    -------
    int
        Marts written.
    """
    out = Path(out).resolve()
    others = [file.name for file in out.glob("*") if file.suffix not in (".hyper", ".tds", ".twbx")]
    if others:
        sys.exit(f"{out} holds {others[0]}, which is none of Tableau's: name another folder.")
    if not Path(database).exists():
        sys.exit(f"There is no shop in {database}: run `make build` first.")
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        with duckdb.connect(str(database), read_only=True) as shop:
            written = marts(manifest)
            for mart in written:
                fields = fields_of(mart, personal_data)
                write_extract(shop, mart, fields, building / f"{mart.name}.hyper")
                write_source(mart, fields, building / f"{mart.name}.tds")
            (day,) = shop.execute("select max(as_of_date) from sales.business_kpis").fetchone()
            write_workbook(written, building, day, personal_data)
        shutil.rmtree(out, ignore_errors=True)
        building.rename(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return len(written)


def main():
    """Take the command line."""
    parser = argparse.ArgumentParser(prog="integrations.tableau", description="Tableau's files.")
    parser.add_argument("--out", type=Path, default=PROJECT / "tableau", help="folder to write")
    parser.add_argument(
        "--personal-data", action="store_true", help="write names, e-mail addresses and cities too"
    )
    arguments = parser.parse_args()
    database = os.environ.get("CLIENTELE_DUCKDB", PROJECT / "clientele.duckdb")
    count = write_all(read_manifest(), database, arguments.out, arguments.personal_data)
    kept = "with" if arguments.personal_data else "without"
    print(
        f"Wrote {count} extracts and data sources and marketing.twbx, {kept} personal data, "
        f"to {arguments.out}."
    )


if __name__ == "__main__":
    main()
