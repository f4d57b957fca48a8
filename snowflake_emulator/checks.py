"""Checks that DuckDB would not make: functions, parts of dates and names that Snowflake refuses."""

from pathlib import Path

import sqlglot
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp
from sqlglot.tokens import TokenType


def lines(file):
    """Return the lines of a list in this folder, in upper case; those with # are comments."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8").upper()
    return [line.split() for line in text.splitlines() if not line.startswith("#")]


def words(file):
    """Return the words of a list in this folder."""
    return {word for line in lines(file) for word in line}


FUNCTIONS = words("functions.txt")
DATE_PARTS = words("date_parts.txt")
RESERVED = words("reserved.txt")
# Fewest and most arguments by function.
ARGUMENTS = {
    name: (int(least), float("inf") if most == "*" else int(most))
    for name, least, most in lines("arguments.txt")
}
# The first argument of these is a part of a date.
PART_FUNCTIONS = {
    "EXTRACT",
    "DATE_PART",
    "DATE_TRUNC",
    "DATEADD",
    "DATEDIFF",
    "TIMESTAMPDIFF",
    "LAST_DAY",
}
# A name before a bracket, after these, is that of an object and its columns.
OBJECT_BEFORE = {
    "INTO",
    "TABLE",
    "VIEW",
    "EXISTS",
    "AS",
    "REFERENCES",
    "WITH",
    ".",
    "RECURSIVE",
    "PROCEDURE",
}


def check_functions(sql):
    """Refuse a function, or a part of a date, that Snowflake does not have.

    Raises
    ------
    snowflake.connector.errors.ProgrammingError
        Snowflake's own error, which names it.
    """
    tokens = sqlglot.tokenize(sql, read="snowflake")
    for place, token in enumerate(tokens[:-1]):
        if tokens[place + 1].token_type != TokenType.L_PAREN:
            continue
        if token.token_type in (TokenType.IDENTIFIER, TokenType.STRING):
            continue
        name = token.text.upper()
        before = tokens[place - 1] if place else None
        if name in PART_FUNCTIONS and place + 2 < len(tokens):
            part = tokens[place + 2].text.strip("'")
            is_word = tokens[place + 2].token_type in (TokenType.VAR, TokenType.STRING)
            if name != "LAST_DAY" and is_word and part.upper() not in DATE_PARTS:
                raise unknown(
                    f"'{part}' is not a valid date/time component for function {name}.", 2141
                )
        if before is not None and before.token_type == TokenType.R_PAREN:
            if name == "FILTER":
                raise unknown("syntax error: unexpected 'FILTER'.", 1003)
            continue
        if name in ARGUMENTS and (before is None or before.text.upper() not in OBJECT_BEFORE):
            least, most = ARGUMENTS[name]
            given = count_arguments(tokens, place + 1)
            if not least <= given <= most:
                few = "not enough" if given < least else "too many"
                raise unknown(f"{few} arguments for function [{name}]: {given} given.", 938)
        if name[:1].isalpha() and " " not in name and name not in FUNCTIONS:
            if before is not None and before.text.upper() in OBJECT_BEFORE:
                continue
            if is_column_list(tokens, place + 1):
                continue
            raise unknown(f"Unknown function {token.text.upper()}.", 2140)


def count_arguments(tokens, place):
    """Return how many arguments a bracket holds: the commas in it, not those in brackets inside."""
    depth, commas, start = 0, 0, place
    while place < len(tokens):
        kind = tokens[place].token_type
        depth += kind in (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
        depth -= kind in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
        if depth == 0:
            break
        commas += depth == 1 and kind == TokenType.COMMA
        place += 1
    return 0 if place == start + 1 else commas + 1


def check_identifiers(expression):
    """Refuse a name of a table, column or expression that is a reserved word without quotes.

    Raises
    ------
    snowflake.connector.errors.ProgrammingError
        Snowflake's own error, which names it.
    """
    if names := reserved_identifiers(expression):
        raise unknown(f"syntax error: unexpected '{names[0]}' (a reserved word).", 1003)


def reserved_identifiers(expression):
    """Return the unquoted names in a parsed statement that Snowflake reserves."""
    names = {name.name for name in expression.find_all(exp.Identifier) if not name.quoted}
    return sorted(name for name in names if name.upper() in RESERVED)


def is_column_list(tokens, place):
    """Tell whether a bracket holds the columns of a common table expression: `AS (` follows."""
    while place < len(tokens) and tokens[place].token_type != TokenType.R_PAREN:
        place += 1
    following = tokens[place + 1 : place + 3]
    return [token.text.upper() for token in following] == ["AS", "("]


def unknown(message, errno):
    """Make a compilation error."""
    return ProgrammingError(msg=f"SQL compilation error:\n{message}", errno=errno, sqlstate="42601")
