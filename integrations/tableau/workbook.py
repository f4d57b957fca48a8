"""A packaged workbook: a marketing dashboard over the extracts that it carries.

The XML has the elements and the order that Tableau Desktop writes since 2020.2, less what Desktop
makes up by itself when it opens a file (thumbnails, layout of phones).
"""

import itertools
import re
import uuid
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree

from integrations.tableau.fields import describe, fields_of

USER = "http://www.tableausoftware.com/xml/user"
ElementTree.register_namespace("user", USER)

# What the file asks of the Tableau that opens it.
FEATURES = (
    "ObjectModelEncapsulateLegacy",
    "ObjectModelTableType",
    "SchemaViewerObjectModel",
    "SheetIdentifierTracking",
    "SortTagCleanup",
    "WindowsPersistSimpleIdentifiers",
)
# Codes of OLE DB, by which Tableau remembers a column's type; all other numbers are doubles.
DOUBLE = 5
REMOTE_TYPES = {
    "varchar": 129,
    "boolean": 11,
    "date": 133,
    "timestamp": 135,
    "integer": 3,
    "bigint": 20,
}
AGGREGATIONS = {"integer": "Sum", "real": "Sum", "date": "Year", "datetime": "Year"}
# How a field stands on a shelf: Tableau's prefix, its word, and the kind of value that comes out.
SHELVES = {
    "names": ("none", "None", "nominal"),
    "steps": ("none", "None", "ordinal"),
    "axis": ("none", "None", "quantitative"),
    "sum": ("sum", "Sum", "quantitative"),
    "average": ("avg", "Avg", "quantitative"),
    "distinct": ("ctd", "CountD", "quantitative"),
}
KEYS = {"nominal": "nk", "ordinal": "ok", "quantitative": "qk"}
RISKS = {"high": "#c03d3e", "medium": "#e9a23b", "low": "#5b9a6f", "not scored": "#bab0ac"}
WHOLE = "2147483647"
CARDS = {
    "left": [("160", ["pages", "filters", "marks"])],
    "top": [(WHOLE, ["columns"]), (WHOLE, ["rows"]), (WHOLE, ["title"])],
}


@dataclass
class Calculation:
    """A field that Tableau computes."""

    mart: str
    name: str
    caption: str
    datatype: str
    formula: str

    def inputs(self):
        """Return the columns that the formula reads."""
        return set(re.findall(r"\[(\w+)\]", self.formula))


@dataclass
class Sheet:
    """A worksheet: what stands on each shelf, as `sum:revenue`, and which rows are left out."""

    name: str
    mart: str
    rows: str
    cols: str
    color: str
    mark: str = "Bar"
    text: str | None = None
    # A dimension, and the measure by which it falls.
    sort: tuple[str, str] | None = None
    # Shelves and the one value to keep of each.
    only: tuple[tuple[str, str], ...] = ()
    # A measure without which a mark is left out.
    known: str | None = None
    header_width: int | None = None

    def shelves(self):
        """Return everything that the sheet uses, once and in order."""
        used = [self.rows, self.cols, self.color, self.text, self.known, *(self.sort or ())]
        return sorted({shelf for shelf in used if shelf} | {shelf for shelf, _ in self.only})

    def full(self, shelf):
        """Return a shelf in Tableau's words, with the data source before it."""
        return f"[{source_name(self.mart)}].{on_shelf(shelf)}"


CALCULATIONS = (
    Calculation(
        "customer_360",
        "segment_or_none",
        "Segment",
        "string",
        "IFNULL([rfm_segment], 'no order yet')",
    ),
    Calculation(
        "customer_360", "risk", "Churn risk", "string", "IFNULL([risk_band], 'not scored')"
    ),
    Calculation(
        "customer_360",
        "churn_decile",
        "Churn decile",
        "integer",
        "INT(([churn_percentile] + 9) / 10)",
    ),
    Calculation(
        "segment_movements", "is_newest", "Is newest", "boolean", "[snapshot_date] = [as_of_date]"
    ),
    Calculation(
        "segment_movements", "has_moved", "Has moved", "boolean", "[from_segment] <> [to_segment]"
    ),
)
MONTHLY_RFM = (("names:segmentation", '"rfm"'), ("steps:month_count", "1"))
SHEETS = (
    Sheet(
        "Customers by segment and churn risk",
        "customer_360",
        rows="names:segment_or_none",
        cols="distinct:customer_id",
        color="names:risk",
        sort=("names:segment_or_none", "distinct:customer_id"),
    ),
    Sheet(
        "Money at risk by segment",
        "customer_360",
        rows="names:segment_or_none",
        cols="sum:money_at_risk",
        color="average:churn_probability",
        text="sum:money_at_risk",
        sort=("names:segment_or_none", "sum:money_at_risk"),
        known="sum:money_at_risk",
    ),
    Sheet(
        "Churn by decile, 10 the likeliest to leave",
        "customer_360",
        rows="average:churn_probability",
        cols="steps:churn_decile",
        color="sum:money_at_risk",
        text="average:churn_probability",
        known="average:churn_probability",
    ),
    Sheet(
        "Money at risk by recommended action",
        "customer_360",
        rows="names:recommended_action",
        cols="sum:money_at_risk",
        color="names:risk",
        sort=("names:recommended_action", "sum:money_at_risk"),
        known="sum:money_at_risk",
        header_width=520,
    ),
    Sheet(
        "Customers of each segment over time",
        "segment_movements",
        rows="sum:customer_count",
        cols="axis:snapshot_date",
        mark="Line",
        color="names:to_segment",
        only=MONTHLY_RFM,
    ),
    Sheet(
        "Who moved in the last month, from row to column",
        "segment_movements",
        rows="names:from_segment",
        cols="names:to_segment",
        mark="Square",
        color="sum:customer_count",
        text="sum:customer_count",
        only=(*MONTHLY_RFM, ("names:is_newest", "true"), ("names:has_moved", "true")),
    ),
)
SEGMENTS, MONEY, DECILES, ACTIONS, TIME, MOVES = SHEETS
DASHBOARD = "Marketing"
# Rows of the dashboard: how high, and what stands there (a sheet, or its colour legend) and how
# wide, in per cent. The heading has the first four.
LAYOUT = (
    (32, ((SEGMENTS, False, 34), (MONEY, False, 33), (DECILES, False, 33))),
    (32, ((ACTIONS, False, 88), (ACTIONS, True, 12))),
    (32, ((TIME, False, 38), (TIME, True, 12), (MOVES, False, 50))),
)


def write_workbook(marts, folder, as_of_date, personal_data):
    """Write `marketing.twbx` beside the extracts that it packs.

    Parameters
    ----------
    marts : list of Mart
        All marts; the dashboard takes those that it shows.
    folder : Path
        Where the extracts are, and where the workbook goes.
    as_of_date : date
        The day that the dashboard shows.
    personal_data : bool
        Whether the extracts hold names, e-mail addresses and cities.
    """
    shown = [mart for mart in marts if mart.name in {sheet.mart for sheet in SHEETS}]
    fields = {mart.name: fields_of(mart, personal_data) for mart in shown}
    path = folder / "marketing.twbx"
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as package:
        package.writestr("marketing.twb", workbook(shown, fields, as_of_date))
        for mart in shown:
            package.write(folder / f"{mart.name}.hyper", packed(mart.name))


def workbook(marts, fields, as_of_date):
    """Return the workbook's XML, in bytes."""
    # No build of Tableau wrote it. Since 2018.1 files of all releases bear the version 18.1.
    root = ElementTree.Element("workbook")
    version = {"original_version": "18.1", "version": "18.1"}
    root.attrib = named(source_build="0.0.0 (0000.0.0.0)", source_platform="win", **version)
    manifest = add(root, "document-format-change-manifest")
    for feature in FEATURES:
        add(manifest, feature)
    sources = add(root, "datasources")
    for mart in marts:
        add_source(sources, mart, fields[mart.name])
    add_selection(add(root, "actions"))
    sheets = add(root, "worksheets")
    for sheet in SHEETS:
        add_sheet(sheets, sheet, fields[sheet.mart])
    add_dashboard(add(root, "dashboards"), as_of_date)
    add_windows(add(root, "windows"))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def named(**attributes):
    """Return attributes by their names in XML: `class_` is `class`, `type_v2` is `type-v2`."""
    return {key.rstrip("_").replace("_", "-"): str(value) for key, value in attributes.items()}


def add(parent, tag, text=None, **attributes):
    """Add an element and return it."""
    element = ElementTree.SubElement(parent, tag, named(**attributes))
    element.text = text
    return element


def add_id(parent, name):
    """Add the id by which Tableau knows a sheet or window, the same in every build."""
    known = uuid.uuid5(uuid.NAMESPACE_URL, f"clientele/tableau/{parent.tag}/{name}")
    add(parent, "simple-id", uuid=f"{{{str(known).upper()}}}")


def packed(mart):
    """Return where a mart's extract lies in the package."""
    return f"Data/{mart}.hyper"


def source_name(mart):
    """Return the name of a mart's data source."""
    return f"federated.{mart}"


def on_shelf(shelf):
    """Return `sum:revenue` as Tableau writes it: `[sum:revenue:qk]`."""
    use, field = shelf.split(":")
    prefix, _, kind = SHELVES[use]
    return f"[{prefix}:{field}:{KEYS[kind]}]"


def add_source(parent, mart, fields):
    """Add the data source of a mart's packed extract."""
    name, connection = source_name(mart.name), f"hyper.{mart.name}"
    source = add(parent, "datasource", caption=mart.name, inline="true", name=name, version="18.1")
    federated = add(source, "connection", class_="federated")
    hyper = add(federated, "named-connections")
    hyper = add(hyper, "named-connection", caption=mart.name, name=connection)
    add(
        hyper,
        "connection",
        authentication="auth-none",
        author_locale="en_US",
        class_="hyper",
        dbname=packed(mart.name),
        default_settings="yes",
        sslmode="",
        username="tableau_internal_user",
    )
    add_relation(federated, connection)
    records = add(federated, "metadata-records")
    for ordinal, field in enumerate(fields):
        record = add(records, "metadata-record", class_="column")
        data_type = mart.columns[field.name]["data_type"]
        add(record, "remote-name", field.name)
        add(record, "remote-type", str(REMOTE_TYPES.get(data_type, DOUBLE)))
        add(record, "local-name", f"[{field.name}]")
        add(record, "parent-name", "[Extract]")
        add(record, "remote-alias", field.name)
        add(record, "ordinal", str(ordinal))
        add(record, "local-type", field.datatype)
        add(record, "aggregation", AGGREGATIONS.get(field.datatype, "Count"))
        add(record, "contains-null", "true")
        add(record, "object-id", f"[{mart.name}]")
    add(source, "aliases", enabled="yes")
    for calculation in CALCULATIONS:
        if calculation.mart == mart.name:
            add_calculation(source, calculation)
    describe(source, fields)
    order = "alphabetic"
    add(source, "layout", dim_ordering=order, measure_ordering=order, show_structure="true")
    if mart.name == SEGMENTS.mart:
        rule = add(add(source, "style"), "style-rule", element="mark")
        palette = add(
            rule, "encoding", attr="color", field=on_shelf(SEGMENTS.color), type="palette"
        )
        for risk, color in RISKS.items():
            add(add(palette, "map", to=color), "bucket", f'"{risk}"')
    table = add(add(source, "object-graph"), "objects")
    table = add(table, "object", caption=mart.name, id=mart.name)
    add_relation(add(table, "properties", context=""), connection)


def add_relation(parent, connection):
    """Add the extract's only table."""
    table = "[public].[Extract]"
    add(parent, "relation", connection=connection, name="Extract", table=table, type="table")


def add_calculation(parent, calculation):
    """Add a field that Tableau computes."""
    column = add(
        parent,
        "column",
        caption=calculation.caption,
        datatype=calculation.datatype,
        name=f"[{calculation.name}]",
        role="dimension",
        type="ordinal" if calculation.datatype == "integer" else "nominal",
    )
    add(column, "calculation", class_="tableau", formula=calculation.formula)


def add_sheet(parent, sheet, fields):
    """Add a worksheet."""
    worksheet = add(parent, "worksheet", name=sheet.name)
    title = add(add(worksheet, "layout-options"), "title")
    add(add(title, "formatted-text"), "run", sheet.name)
    table = add(worksheet, "table")
    add_view(add(table, "view"), sheet, fields)
    style = add(table, "style")
    if sheet.header_width:
        rule = add(style, "style-rule", element="header")
        add(rule, "format", attr="width", field=sheet.full(sheet.rows), value=sheet.header_width)
    pane = add(
        add(table, "panes"), "pane", selection_relaxation_option="selection-relaxation-allow"
    )
    add(add(pane, "view"), "breakdown", value="auto")
    add(pane, "mark", class_=sheet.mark)
    encodings = add(pane, "encodings")
    add(encodings, "color", column=sheet.full(sheet.color))
    if sheet.text:
        add(encodings, "text", column=sheet.full(sheet.text))
        rule = add(add(pane, "style"), "style-rule", element="mark")
        add(rule, "format", attr="mark-labels-show", value="true")
    add(table, "rows", sheet.full(sheet.rows))
    add(table, "cols", sheet.full(sheet.cols))
    add_id(worksheet, sheet.name)


def add_view(view, sheet, fields):
    """Add what a worksheet asks its data source: fields, filters and order."""
    source = source_name(sheet.mart)
    add(add(view, "datasources"), "datasource", caption=sheet.mart, name=source)
    needed = add(view, "datasource-dependencies", datasource=source)
    names = {shelf.split(":")[1] for shelf in sheet.shelves()}
    for calculation in CALCULATIONS:
        if calculation.mart == sheet.mart and calculation.name in names:
            add_calculation(needed, calculation)
            names |= calculation.inputs()
    for field in fields:
        if field.name in names:
            add(needed, "column", **field.attributes())
    for shelf in sheet.shelves():
        use, field = shelf.split(":")
        _, derivation, kind = SHELVES[use]
        add(
            needed,
            "column-instance",
            column=f"[{field}]",
            derivation=derivation,
            name=on_shelf(shelf),
            pivot="key",
            type=kind,
        )
    for shelf, value in sheet.only:
        chosen = add(view, "filter", class_="categorical", column=sheet.full(shelf))
        chosen = add(chosen, "groupfilter", function="member", level=on_shelf(shelf), member=value)
        chosen.set(f"{{{USER}}}ui-domain", "relevant")
        chosen.set(f"{{{USER}}}ui-enumeration", "inclusive")
        chosen.set(f"{{{USER}}}ui-marker", "enumerate")
    filtered = [shelf for shelf, _ in sheet.only]
    if sheet.known:
        column = sheet.full(sheet.known)
        add(view, "filter", class_="quantitative", column=column, included_values="non-null")
        filtered.append(sheet.known)
    if sheet.sort:
        column, using = map(sheet.full, sheet.sort)
        add(view, "computed-sort", column=column, direction="DESC", using=using)
    if filtered:
        slices = add(view, "slices")
        for shelf in filtered:
            add(slices, "column", sheet.full(shelf))
    add(view, "aggregation", value="true")


def add_selection(parent):
    """Let a click on a segment choose its customers everywhere on the dashboard."""
    action = add(parent, "action", caption="Choose a segment", name="[Action1]")
    add(action, "activation", auto_clear="true", type="on-select")
    add(action, "source", dashboard=DASHBOARD, type="sheet", worksheet=SEGMENTS.name)
    command = add(action, "command", command="tsc:tsl-filter")
    add(command, "param", name="exclude", value=SEGMENTS.name)
    add(command, "param", name="special-fields", value="all")
    add(command, "param", name="target", value=DASHBOARD)


def add_dashboard(parent, as_of_date):
    """Add the dashboard: a heading, then rows of sheets and colour legends."""
    dashboard = add(parent, "dashboard", name=DASHBOARD)
    add(dashboard, "style")
    add(dashboard, "size", maxheight=1100, maxwidth=1400, minheight=1100, minwidth=1400)
    ids = itertools.count(1)

    def zone(within, x, y, w, h, **attributes):
        """Add a zone; Tableau counts in thousandths of a per cent."""
        place = {"x": x * 1000, "y": y * 1000, "w": w * 1000, "h": h * 1000}
        return add(within, "zone", id=next(ids), **place, **attributes)

    page = zone(add(dashboard, "zones"), 0, 0, 100, 100, type_v2="layout-basic")
    y = 4
    heading = add(zone(page, 0, 0, 100, y, type_v2="text"), "formatted-text")
    text = f"Customers as of {as_of_date}: who they are, who is leaving, what is at stake"
    add(heading, "run", text, bold="true", fontsize="14")
    for height, cells in LAYOUT:
        x = 0
        for sheet, is_legend, width in cells:
            legend = {"pane_specification_id": "0", "param": sheet.full(sheet.color)}
            legend = legend | {"type_v2": "color"} if is_legend else {}
            zone(page, x, y, width, height, name=sheet.name, **legend)
            x += width
        y += height
    add_id(dashboard, DASHBOARD)


def add_windows(parent):
    """Add a tab for the dashboard, which opens first, and one for each sheet."""
    window = add(parent, "window", class_="dashboard", maximized="true", name=DASHBOARD)
    viewpoints = add(window, "viewpoints")
    for sheet in SHEETS:
        add(add(viewpoints, "viewpoint", name=sheet.name), "zoom", type="entire-view")
    add(window, "active", id="-1")
    add_id(window, DASHBOARD)
    for sheet in SHEETS:
        window = add(parent, "window", class_="worksheet", name=sheet.name)
        cards = add(window, "cards")
        for edge, strips in CARDS.items():
            edge = add(cards, "edge", name=edge)
            for size, kinds in strips:
                strip = add(edge, "strip", size=size)
                for kind in kinds:
                    add(strip, "card", type=kind)
        add_id(window, sheet.name)
