"""An audience as a file that a spreadsheet opens without running anything in it."""

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA = r"^[\s'\"]*[=+\-@\t\r＝＋－＠]"


def to_csv(rows):
    """Write rows as CSV.

    Parameters
    ----------
    rows : pandas.DataFrame
        Any rows. Text that a spreadsheet would take for a formula gets an apostrophe before it;
        numbers stay as they are, also negative ones.

    Returns
    -------
    bytes
        UTF-8 with a byte order mark, without which Excel takes it for another encoding.
    """
    safe = rows.copy()
    # A heading is text as well, but those are the marts' own.
    for name in safe.select_dtypes(exclude=["number", "bool", "datetime"]):
        text = safe[name].astype("string")
        safe[name] = text.where(~text.str.match(FORMULA, na=False), "'" + text)
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")
