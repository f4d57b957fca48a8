"""What dbt says of the marts, as Tableau wants it: captions, types, formats, folders."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

SUBJECTS = ("customers", "sales", "inventory")
DATATYPES = {
    "varchar": "string",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "datetime",
    "integer": "integer",
    "bigint": "integer",
}
# What only an engineer asks for.
TECHNICAL = re.compile(r"model_version|_status_reason$|^is_inferred$|_distance$|^distance$")
MONEY = re.compile(
    r"revenue|margin$|amount|monetary|value(_365)?$|_clv$|money|^average_(basket|order_value)$"
)
SHARE = re.compile(r"(_rate|_share|_probability|_chance|growth)(_\w+)?$|^(support|confidence)$")


@dataclass
class Mart:
    """A public mart: where it stands on both targets, and its columns in dbt's words."""

    name: str
    schema: str
    database: str
    live_schema: str
    columns: dict


@dataclass
class Field:
    """A column as Tableau shows it."""

    name: str
    caption: str
    description: str
    datatype: str
    kind: str
    role: str
    format: str | None
    folder: str
    is_technical: bool


def marts(manifest):
    """Marts of customers, sales and inventory of dbt's manifest for Snowflake, by name."""
    nodes = json.loads(Path(manifest).read_text())["nodes"].values()
    return sorted(
        (
            Mart(node["name"], node["fqn"][2], node["database"], node["schema"], node["columns"])
            for node in nodes
            if node["resource_type"] == "model"
            and node["fqn"][1] == "marts"
            and node["fqn"][2] in SUBJECTS
        ),
        key=lambda mart: mart.name,
    )


def fields_of(mart, personal_data):
    """Fields of a mart, in its order, without personal data unless it is asked for."""
    return [
        field_of(column)
        for column in mart.columns.values()
        if personal_data or not column["config"]["meta"].get("contains_pii")
    ]


def field_of(column):
    """Tell how a column is shown, by its type and its name."""
    name, data_type = column["name"], column["data_type"]
    is_number = data_type in ("integer", "bigint", "double") or data_type.startswith("decimal")
    kind = "text"
    if is_number:
        kind = "share" if SHARE.search(name) else "money" if MONEY.search(name) else "number"
    # A score, a rank or a code is a number that nobody adds up.
    is_label = re.search(r"_score$|_code$|rank$|_percentile$|_number$", name)
    folder = {"share": "Shares", "money": "Money", "number": "Counts"}.get(kind, "What and who")
    if data_type in ("date", "timestamp"):
        folder = "Dates"
    is_technical = bool(TECHNICAL.search(name))
    return Field(
        name=name,
        caption=re.sub(r"\bid\b", "ID", name.replace("_", " ").capitalize()).replace("Rfm", "RFM"),
        description=" ".join(column["description"].split()),
        datatype=DATATYPES.get(data_type, "real"),
        kind=kind,
        role="measure" if is_number and not is_label else "dimension",
        format={"share": "p0.0%", "money": "n#,##0.00;-#,##0.00"}.get(kind),
        folder="Technical" if is_technical else folder,
        is_technical=is_technical,
    )
