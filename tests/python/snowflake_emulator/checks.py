"""Checks that DuckDB would not make: functions, parts of dates and packages that Snowflake lacks."""


def check_functions(sql):
    pass
