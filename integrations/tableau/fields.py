"""What dbt says of the marts, as Tableau wants it: captions, types, formats, folders."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

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

    def attributes(self, spelled=str):
        """Return the attributes of Tableau's element `column`."""
        kind = "nominal" if self.datatype in ("string", "boolean") else "ordinal"
        attributes = {
            "caption": self.caption,
            "datatype": self.datatype,
            "name": f"[{spelled(self.name)}]",
            "role": self.role,
            "type": "quantitative" if self.role == "measure" else kind,
        }
        if self.format:
            attributes["default-format"] = self.format
        if self.is_technical:
            attributes["hidden"] = "true"
        return attributes


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


def describe(source, fields, spelled=str):
    """Add fields with their descriptions and folders to a data source's XML.

    Parameters
    ----------
    source : Element
        The data source.
    fields : list of Field
        Its fields.
    spelled : callable
        How the warehouse spells a name.
    """
    for field in fields:
        column = ElementTree.SubElement(source, "column", field.attributes(spelled))
        text = ElementTree.SubElement(ElementTree.SubElement(column, "desc"), "formatted-text")
        ElementTree.SubElement(text, "run").text = field.description
    folders = ElementTree.SubElement(source, "folders-common")
    for name in sorted({field.folder for field in fields}):
        folder = ElementTree.SubElement(folders, "folder", {"name": name})
        for field in fields:
            if field.folder == name:
                item = {"name": f"[{spelled(field.name)}]", "type": "field"}
                ElementTree.SubElement(folder, "folder-item", item)
