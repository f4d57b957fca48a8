"""The packaged workbook: all that it names is in the package, and nobody's name is."""

import re
import zipfile
from xml.etree import ElementTree

import pantab
import pytest

from integrations.tableau.__main__ import read_manifest, write_all

# What Tableau calls the types of an extract's columns, by Arrow's names.
TYPES = {
    "int32": ("3", "integer"),
    "int64": ("20", "integer"),
    "double": ("5", "real"),
    "bool": ("11", "boolean"),
    "date32[day]": ("133", "date"),
    "string": ("129", "string"),
    "large_string": ("129", "string"),
}
REFERENCE = re.compile(r"\[(federated\.\w+)\]\.(\[[^\]]+\])")


@pytest.fixture(scope="module")
def package(sample, tmp_path_factory):
    """Unpack the workbook."""
    base = tmp_path_factory.mktemp("tableau")
    write_all(read_manifest(), sample.database, base / "files")
    with zipfile.ZipFile(base / "files/marketing.twbx") as file:
        file.extractall(base / "package")
    return base / "package"


@pytest.fixture(scope="module")
def workbook(package):
    return ElementTree.parse(package / "marketing.twb").getroot()


@pytest.fixture(scope="module")
def sources(workbook):
    """Find the data sources by their names."""
    return {source.get("name"): source for source in workbook.iterfind("datasources/datasource")}


def extract_of(source, package):
    """Read the table of a data source."""
    path = package / source.find(".//named-connection/connection").get("dbname")
    tables = {source.find("connection/relation").get("table")}
    tables.add(source.find("object-graph//relation").get("table"))
    [table] = tables
    schema, name = re.fullmatch(r"\[(\w+)\]\.\[(\w+)\]", table).groups()
    return pantab.frames_from_hyper(path, return_type="pyarrow")[schema, name]


def references(element):
    """Yield every `[data source].[field]` in an element, in whatever attribute or text."""
    for part in element.iter():
        for text in (*part.attrib.values(), part.text or ""):
            yield from REFERENCE.findall(text)


def test_data_sources_are_the_packed_extracts(package, sources):
    packed = {path.stem for path in (package / "Data").iterdir()}
    assert {f"federated.{name}" for name in packed} == set(sources)
    for source in sources.values():
        extract = extract_of(source, package)
        assert len(extract) > 0
        records = [
            tuple(record.findtext(tag) for tag in ("remote-name", "remote-type", "local-type"))
            for record in source.iter("metadata-record")
        ]
        assert records == [(field.name, *TYPES[str(field.type)]) for field in extract.schema]


def test_columns_are_the_extracts_or_computed_from_them(package, sources):
    for source in sources.values():
        names = set(extract_of(source, package).column_names)
        computed = set()
        for column in source.iterfind("column"):
            calculation = column.find("calculation")
            if calculation is not None:
                computed.add(column.get("name")[1:-1])
                assert set(re.findall(r"\[(\w+)\]", calculation.get("formula"))) <= names
        assert not computed & names
        columns = [column.get("name")[1:-1] for column in source.iterfind("column")]
        assert sorted(columns) == sorted(names | computed)


def test_sheets_use_columns_of_their_data_source(workbook, sources):
    for sheet in workbook.iterfind("worksheets/worksheet"):
        [named] = sheet.iterfind("table/view/datasources/datasource")
        [needed] = sheet.iterfind("table/view/datasource-dependencies")
        assert named.get("name") == needed.get("datasource")
        source = sources[named.get("name")]
        columns = {column.get("name"): column.attrib for column in source.iterfind("column")}
        for column in needed.iterfind("column"):
            assert column.attrib == columns[column.get("name")]
        declared = {column.get("name") for column in needed.iterfind("column")}
        instances = {}
        for instance in needed.iterfind("column-instance"):
            assert instance.get("column") in declared
            instances[instance.get("name")] = instance
            key = {"nominal": "nk", "ordinal": "ok", "quantitative": "qk"}[instance.get("type")]
            assert re.fullmatch(
                rf"\[\w+:{re.escape(instance.get('column')[1:-1])}:{key}\]", instance.get("name")
            )
        used = set(references(sheet))
        assert used == {(named.get("name"), name) for name in instances}
        for level in sheet.iter("groupfilter"):
            assert level.get("level") in instances


def test_the_dashboard_shows_every_sheet_and_nothing_else(workbook):
    sheets = {sheet.get("name"): sheet for sheet in workbook.iterfind("worksheets/worksheet")}
    [dashboard] = workbook.iterfind("dashboards/dashboard")
    zones = [zone for zone in dashboard.iter("zone") if zone.get("name")]
    assert {zone.get("name") for zone in zones} == set(sheets)
    for zone in zones:
        if zone.get("param"):
            [color] = sheets[zone.get("name")].iter("color")
            assert zone.get("param") == color.get("column")
    names = {dashboard.get("name"), *sheets}
    assert [w.get("name") for w in workbook.iterfind("windows/window")] == [
        dashboard.get("name"),
        *sheets,
    ]
    assert {view.get("name") for view in workbook.iter("viewpoint")} == set(sheets)
    source = workbook.find("actions/action/source")
    assert source.get("worksheet") in sheets and source.get("dashboard") in names
    params = {param.get("name"): param.get("value") for param in workbook.iter("param")}
    assert params["exclude"] in sheets and params["target"] in names


def test_the_dashboard_is_filled_without_overlap(workbook):
    page, *zones = workbook.find("dashboards/dashboard/zones").iter("zone")
    ids = [zone.get("id") for zone in (page, *zones)]
    assert len(set(ids)) == len(ids)
    covered = set()
    for zone in zones:
        x, y, w, h = (int(zone.get(key)) // 1000 for key in "xywh")
        cells = {(x + i, y + j) for i in range(w) for j in range(h)}
        assert not cells & covered, zone.get("name")
        covered |= cells
    assert covered == {(i, j) for i in range(100) for j in range(100)}


def test_filters_keep_values_that_the_marts_hold(package, workbook, sources):
    checked = 0
    for chosen in workbook.iter("groupfilter"):
        use, name, _ = chosen.get("level")[1:-1].split(":")
        for source in sources.values():
            extract = extract_of(source, package)
            if name in extract.column_names:
                values = {str(value) for value in extract[name].to_pylist()}
                assert chosen.get("member").strip('"') in values
                checked += 1
    assert checked == 4


def test_risks_have_their_colours(workbook, sample):
    buckets = {bucket.text.strip('"') for bucket in workbook.iter("bucket")}
    bands = sample.query(
        "select distinct coalesce(risk_band, 'not scored') from customers.customer_360"
    )
    assert buckets == {band for (band,) in bands}


def test_nobody_can_be_recognised(package, workbook, sources, sample):
    people = sample.query("select customer_name, email from customers.customer_360")
    people = {value for row in people for value in row if value}
    assert len(people) > 1000
    for source in sources.values():
        extract = extract_of(source, package)
        assert not {"customer_name", "email", "city"} & set(extract.column_names)
        for name in extract.column_names:
            assert not people & set(map(str, extract[name].to_pylist())), name
    text = ElementTree.tostring(workbook, encoding="unicode")
    assert not any(person in text for person in people)
    assert not re.search(r"\[(customer_name|email|city)\]", text)
