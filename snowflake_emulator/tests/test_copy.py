"""Files on stages, PUT and COPY INTO, by the options of their formats."""

from datetime import UTC, datetime

import pyarrow
import pytest
import snowflake.connector
from pyarrow import parquet
from snowflake.connector.errors import Error

from snowflake_emulator import Emulator
from snowflake_emulator.launch import ACCESS


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Open a session on an emulator with a stage and a table of one column."""
    with (
        Emulator(tmp_path_factory.mktemp("copy")) as emulator,
        snowflake.connector.connect(
            **ACCESS, port=emulator.port, database="RAW", schema="SHOP"
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("create stage tried encryption = (type = 'SNOWFLAKE_SSE')")
        cursor.execute("create table tried (text varchar)")
        yield cursor


@pytest.fixture
def copied(session, tmp_path):
    """Return a function that stages files and copies them by options into an empty table."""

    def copy(files, file_format="", options="", select="$1"):
        session.execute("truncate table tried")
        session.execute("remove @tried")
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
            session.execute(f"put 'file://{tmp_path}/{name}' @tried")
        source = f"(select {select} from @tried)" if select else "@tried"
        file_format = file_format or "type = csv"
        if "csv" in file_format:
            file_format += " escape_unenclosed_field = none"
        session.execute(f"copy into tried from {source} file_format = ({file_format}) {options}")
        return [text for (text,) in session.execute("select text from tried order by 1").fetchall()]

    return copy


@pytest.mark.parametrize(
    ("content", "options", "texts"),
    [
        (b"a,b\r\nc\n\n", "", ["a", "c", None]),
        (b"a\n\nb", "skip_blank_lines = true", ["a", "b"]),
        (b"a\n\n", "empty_field_as_null = false", ["", "a"]),
        (b"a\n\\N\n", "", ["a", None]),
        (b"a\n\\N\n", "null_if = ()", ["\\N", "a"]),
        (b"a\nb", "null_if = ('a', 'x')", ["b", None]),
        (b" a \n", "", [" a "]),
        (b" a \n", "trim_space = true", ["a"]),
        (b'"a\nb",c\n', "field_optionally_enclosed_by = '\"'", ["a\nb"]),
        (b'"a\nb"\n', "field_delimiter = none", ['"a', 'b"']),
        (b"a|b", "record_delimiter = '|'", ["a", "b"]),
        (b"x\na\n", "skip_header = 1", ["a"]),
        (b"\xef\xbb\xbfa", "", ["a"]),
        (b"\xef\xbb\xbfa", "skip_byte_order_mark = false", ["\ufeffa"]),
        ("ä€".encode("cp1252"), "encoding = 'WINDOWS1252'", ["ä€"]),
        ("ä".encode("utf-16"), "encoding = 'UTF16'", ["ä"]),
        ("Ł".encode("iso8859-2"), "encoding = 'ISO-8859-2'", ["Ł"]),
        (b"a\xffb", "replace_invalid_characters = true", ["a\ufffdb"]),
    ],
)
def test_the_emulator_reads_delimited_files_by_their_options(copied, content, options, texts):
    assert copied({"file.csv": content}, f"type = csv {options}") == texts


@pytest.mark.parametrize(
    ("content", "options", "texts"),
    [
        (b'[{"a": 1}, {"a": 2}]', "strip_outer_array = true", ['{"a": 1}', '{"a": 2}']),
        (b'[{"a": 1}]', "", ['[{"a": 1}]']),
        (b'{"a": 1}\n{"a":\n2}', "", ['{"a": 1}', '{"a": 2}']),
    ],
)
def test_the_emulator_reads_json_by_its_options(copied, content, options, texts):
    assert copied({"file.json": content}, f"type = json {options}") == texts


def test_the_emulator_gives_epoch_numbers_without_logical_types(copied, session, tmp_path):
    """What made a shop's Parquet times nonsense, red before load_raw asked for logical types."""
    noon = datetime(2025, 3, 30, 12)
    columns = {"at": pyarrow.array([noon], pyarrow.timestamp("us"))}
    columns["zoned"] = pyarrow.array([noon.replace(tzinfo=UTC)], pyarrow.timestamp("us", "UTC"))
    columns["nanos"] = pyarrow.array([noon], pyarrow.timestamp("ns"))
    parquet.write_table(pyarrow.table(columns), tmp_path / "times.parquet")
    files = {"times.parquet": (tmp_path / "times.parquet").read_bytes()}
    texts = ", '|', ".join(f'$1:"{column}"::varchar' for column in columns)
    plain = copied(files, "type = parquet", select=f"concat({texts})")
    assert plain == ["1743336000000000|2025-03-30 12:00:00|1743336000000000000"]
    logical = "type = parquet use_logical_type = true"
    assert copied(files, logical, select=f"concat({texts})") == [
        "2025-03-30 12:00:00|2025-03-30 12:00:00+00|2025-03-30 12:00:00"
    ]
    session.execute(f"create or replace file format tried {logical}")
    inferred = "infer_schema(location => '@tried', file_format => 'tried')"
    session.execute(f"select column_name, type from table({inferred})")
    assert session.fetchall() == [
        ("at", "TIMESTAMP_NTZ"),
        ("zoned", "TIMESTAMP_LTZ"),
        ("nanos", "TIMESTAMP_NTZ"),
    ]


def test_the_emulator_keeps_a_load_history(copied, session, tmp_path):
    """A file is loaded again when it has changed, with FORCE, or into a table that is made anew."""
    session.execute("create file format plain type = csv escape_unenclosed_field = none")
    copy = "copy into tried from (select $1 from @tried) file_format = (format_name = 'plain')"
    none = [("Copy executed with 0 files processed.",)]
    assert copied({"a.csv": b"a\n", "b.csv": b"b\n"}) == ["a", "b"]
    assert session.execute(copy).fetchall() == none
    session.execute(f"put 'file://{tmp_path}/a.csv' @tried overwrite = true")
    assert session.execute(copy).fetchall() == none
    (tmp_path / "a.csv").write_text("c\n")
    session.execute(f"put 'file://{tmp_path}/a.csv' @tried")
    assert session.execute(copy).fetchall() == none
    session.execute(f"put 'file://{tmp_path}/a.csv' @tried overwrite = true")
    assert [row[0] for row in session.execute(copy).fetchall()] == ["tried/a.csv.gz"]
    assert len(session.execute(f"{copy} force = true").fetchall()) == 2
    assert len(session.execute(f"{copy} force = true pattern = '.*b[.]csv.*'").fetchall()) == 1
    assert len(session.execute(f"{copy} force = true files = ('a.csv.gz')").fetchall()) == 1
    session.execute("create or replace table tried (text varchar)")
    assert len(session.execute(copy).fetchall()) == 2


def test_the_emulator_encrypts_in_the_client_unless_told_otherwise(session, tmp_path):
    """By Snowflake's default a file that is sent again has another hash, so it is loaded again."""
    (tmp_path / "a.csv").write_text("a\n")
    hashes = {}
    for name, encryption in [("full", ""), ("sse", "encryption = (type = 'SNOWFLAKE_SSE')")]:
        session.execute(f"create stage {name} {encryption}")
        for _ in range(2):
            session.execute(f"put 'file://{tmp_path}/a.csv' @{name} overwrite = true")
            hashes.setdefault(name, set()).add(session.execute(f"list @{name}").fetchall()[0][2])
    assert {name: len(found) for name, found in hashes.items()} == {"full": 2, "sse": 1}


def test_the_emulator_goes_on_after_a_bad_line_only_if_told_to(copied, session):
    files = {"file.csv": b"a\n\xff\nb\n"}
    with pytest.raises(Error, match="Invalid UTF8 detected in string"):
        copied(files)
    assert copied(files, options="on_error = skip_file") == []
    assert copied(files, options="on_error = continue") == ["a", "b"]
    validate = "select rejected_record from table(validate(tried, job_id => '_last'))"
    with pytest.raises(Error, match="does not know a COPY INTO that transforms"):
        session.execute(validate)
    copied(files, options="on_error = continue", select=None)
    assert session.execute(validate).fetchall() == [("\ufffd",)]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("put 'file://raw/a.csv' @tried", "PUT needs an absolute path"),
        (
            "put 'file:///raw/*.[cj]sv' @tried",
            "PUT documents * and ? in a file's name only: '[' in",
        ),
        (
            "put 'file:///raw/*/a.csv' @tried",
            "PUT documents * and ? in a file's name only: '*/' in",
        ),
        ("put 'file:///raw/a.csv' @tried parallel = 100", "PARALLEL must be between 1 and 99"),
        ("put 'file:///raw/a.csv' @tried force = true", "does not know the option FORCE"),
        ("copy into tried from @tried size_limit = 1", "does not know the option SIZE_LIMIT"),
        ("copy into tried from @tried on_error = skip_file_3", "does not know ON_ERROR = SKIP_FIL"),
        (
            "copy into tried from @tried file_format = (type = csv)",
            "reads CSV with ESCAPE_UNENCLOSED_FIELD = NONE only",
        ),
        (
            "copy into tried from @tried file_format = (type = csv date_format = 'DD')",
            "does not know the option DATE_FORMAT of CSV files",
        ),
        (
            "create file format other type = parquet use_vectorized_scanner = true",
            "does not know USE_VECTORIZED_SCANNER = true of PARQUET files",
        ),
        (
            "create file format other escape_unenclosed_field = none encoding = 'EBCDIC'",
            "does not know ENCODING = EBCDIC",
        ),
        ("create file format other type = xml", "does not read files of type XML"),
        ("create stage other url = 's3://bucket/'", "does not know the option URL"),
    ],
)
def test_the_emulator_refuses_what_it_does_not_act_on(session, statement, named):
    with pytest.raises(Error) as caught:
        session.execute(statement)
    assert named in str(caught.value)
