"""What the emulator refuses, and what parameters and names mean, as on Snowflake."""

import pytest

from snowflake_emulator import Emulator


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Start an emulator without a shop, for single statements."""
    with Emulator(tmp_path_factory.mktemp("scratch")) as emulator:
        emulator.query("create schema if not exists analytics.core", database="ANALYTICS")
        yield emulator


def refusal(emulator, statement):
    """Return the message of the error that a statement must end in."""
    with pytest.raises(Exception) as caught:
        emulator.query(statement, database="ANALYTICS", schema="CORE")
    return str(caught.value)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("list_sort(array_construct(2, 1))", "Unknown function LIST_SORT"),
        ("columns(*)", "Unknown function COLUMNS"),
        ("strftime(current_date, '%Y')", "Unknown function STRFTIME"),
        ("epoch_ms(current_timestamp)", "Unknown function EPOCH_MS"),
        ("extract(isodow from current_date)", "'isodow' is not a valid date/time component"),
        ("count(*) filter (where true)", "unexpected 'FILTER'"),
        ("1 / 0", "Division by zero"),
        ("try_cast(a as date)", "TRY_CAST cannot be used with arguments of type INTEGER"),
        ("translate('a', 'b')", "not enough arguments for function [TRANSLATE]: 2 given"),
        ("coalesce(a)", "not enough arguments for function [COALESCE]: 1 given"),
        ("regexp_like('a', 'b', 'i', (1, 2))", "too many arguments for function [REGEXP_LIKE]"),
        ("percent_rank(a) over (order by a)", "too many arguments for function [PERCENT_RANK]"),
    ],
)
def test_what_snowflake_lacks_is_refused(scratch, expression, named):
    assert named in refusal(scratch, f"select {expression} from (select 1 as a) as one")


@pytest.mark.parametrize(
    "statement",
    [
        "with following as (select 1 as a) select a from following",
        "select current.a from (select 1 as a) as current",
        "select 1 as rows",
        "create table core.words (sample varchar)",
    ],
)
def test_a_reserved_word_is_no_name(scratch, statement):
    assert "syntax error" in refusal(scratch, statement)


@pytest.mark.parametrize(
    ("parameter", "expression", "usual", "unusual"),
    [
        ("date_input_format = 'DD.MM.YYYY'", "cast('31.01.2024' as date)", None, "2024-01-31"),
        ("date_input_format = 'DD.MM.YYYY'", "cast('2024-01-31' as date)", "2024-01-31", None),
        ("timestamp_input_format = 'DD.MM.YYYY'", "try_to_timestamp_ntz('2024-01-31')",
         "2024-01-31 00:00:00", "None"),
        ("date_output_format = 'DD/MM/YYYY'", "cast(date_from_parts(2024, 1, 31) as varchar)",
         "2024-01-31", "31/01/2024"),
        ("timezone = 'America/Los_Angeles'",
         "cast(cast('2024-01-31 00:00:00Z' as timestamp_ltz) as timestamp_ntz)",
         "2024-01-31 00:00:00", "2024-01-30 16:00:00"),
        ("quoted_identifiers_ignore_case = true", "(select A from (select 1 as \"a\"))", None, "1"),
    ],
)  # fmt: skip
def test_parameters_of_the_session_change_what_sql_means(
    scratch, parameter, expression, usual, unusual
):
    options = {"database": "ANALYTICS", "schema": "CORE"}
    for given, expected in [(None, usual), (parameter, unusual)]:
        before = [f"alter session set {given}"] if given else []
        if expected is None:
            with pytest.raises(Exception, match="invalid|Could not parse|date field"):
                scratch.query(f"select {expression}", before=before, **options)
        else:
            [(value,)] = scratch.query(f"select {expression}", before=before, **options)
            assert str(value) == expected


def test_keys_are_words_but_what_they_refer_to_must_exist(scratch):
    parent = "create or replace table core.parent (a varchar, primary key (a)) as select '1'"
    child = "create or replace table core.child (a varchar, foreign key (a) references core.{} (a))"
    scratch.query(parent, database="ANALYTICS")
    scratch.query(child.format("parent") + " as select '2'", database="ANALYTICS")
    scratch.query(parent, database="ANALYTICS")
    assert "does not exist" in refusal(scratch, child.format("nobody"))


def test_unknown_parameters_are_refused(scratch):
    assert "invalid parameter 'TIMEZON'" in refusal(scratch, "alter session set timezon = 'UTC'")


def test_unknown_statements_are_refused(scratch):
    assert "does not know this statement: vacuum" in refusal(scratch, "vacuum")


def test_lower_case_columns_are_not_found_without_quotes(scratch):
    procedure(
        scratch, "['pandas==2.3.1']", "import pandas", "pandas.DataFrame({'customer_id': [1]})"
    )
    message = refusal(scratch, "select customer_id from written")
    assert "invalid identifier 'CUSTOMER_ID'" in message
    procedure(
        scratch, "['pandas==2.3.1']", "import pandas", "pandas.DataFrame({'CUSTOMER_ID': [1]})"
    )
    assert scratch.query("select customer_id from analytics.core.written") == [(1,)]


@pytest.mark.parametrize(
    ("packages", "imports", "named"),
    [
        ("['pandas==2.3.1']", "import pandas, sklearn.cluster", "'sklearn' is imported but not in"),
        ("['scikit-learn==1.5.1']", "import threadpoolctl, pandas", "'pandas' is imported but not"),
        ("['pandas']", "import pandas", "Package 'pandas' is not pinned"),
        ("['pandas==2.2.3']", "import pandas", "no source shows pandas==2.2.3 in the channel"),
        ("['pandas==2.3.1']", "import pandas\nraise KeyError('lost')", "KeyError: 'lost'"),
    ],
)
def test_a_wrong_procedure_is_named(scratch, packages, imports, named):
    with pytest.raises(Exception, match="(?s)" + named.replace("(", r"\(")):
        procedure(scratch, packages, imports, "pandas.DataFrame()")


def test_a_procedure_imports_files_of_a_stage(scratch, tmp_path):
    (tmp_path / "own_module.py").write_text("ANSWER = 42\n")
    settings = {"database": "ANALYTICS", "schema": "CORE"}
    listed = {"extra": "imports = ('@code/own_module.py')"}
    arguments = ["['pandas==2.3.1']", "import pandas, own_module"]
    frame = "pandas.DataFrame({'ANSWER': [own_module.ANSWER]})"
    scratch.query("create or replace stage code", **settings)
    with pytest.raises(Exception, match="Remote file '@code/own_module.py' was not found"):
        procedure(scratch, *arguments, frame, **listed)
    put = f"put 'file://{tmp_path}/own_module.py' @code auto_compress = false"
    scratch.query(put, **settings)
    procedure(scratch, *arguments, frame, **listed)
    assert scratch.query("select answer from analytics.core.written") == [(42,)]
    with pytest.raises(Exception, match="'own_module' is imported but not in PACKAGES"):
        procedure(scratch, *arguments, frame)


def procedure(emulator, packages, imports, frame, extra=""):
    """Run an anonymous procedure that writes a frame into the table WRITTEN, as dbt does."""
    emulator.query(
        f"""
        with writer as procedure ()
        returns string language python runtime_version = '3.11'
        packages = ({packages.strip("[]")}) {extra} handler = 'main' execute as caller as $$
{imports}
def main(session):
    frame = session.create_dataframe({frame})
    frame.write.mode("overwrite").save_as_table("analytics.core.written")
    return "OK"
$$
        call writer();
        """,
        database="ANALYTICS",
        schema="CORE",
    )
