"""How figures look: one place for formats, tables, charts and what stands in for missing ones."""

from contextlib import contextmanager

import altair as alt
import pandas as pd
import streamlit as st
from warehouse import MartError

# Bands and stages from bad to good, in colours that stay apart for colour-blind readers.
RISK = alt.Scale(domain=["high", "medium", "low"], range=["#D55E00", "#E69F00", "#009E73"])
# Taken from the palette in .streamlit/config.toml, for marks of one colour each.
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#8C8C8C"
MONEY_WORDS = ("revenue", "money", "value", "margin", "monetary", "basket", "amount", "clv")


@contextmanager
def section(title):
    """Head a part of a page; if its marts cannot be read, say why there and go on below."""
    st.header(title, anchor=False)
    try:
        yield
    except MartError as error:
        st.error(str(error))


def has_rows(rows, otherwise):
    """Whether there are rows; if not, the reader is told `otherwise`."""
    if rows.empty:
        st.info(otherwise)
    return not rows.empty


def number(value, digits=0):
    """Write a number with commas, or a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:,.{digits}f}"


def percent(value, digits=0):
    """Write a share as a percentage, or a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{digits}%}"


def metrics(*figures):
    """Show figures side by side: each (label, text), then maybe a change and a help text."""
    for column, (label, text, *rest) in zip(st.columns(len(figures)), figures, strict=True):
        change, note = (*rest, None, None)[:2]
        column.metric(label, text, change, help=note, border=True)


def table(rows, key=None, **options):
    """Show rows, with headings and formats that follow from the names of their columns."""
    return st.dataframe(
        rows,
        key=key,
        hide_index=True,
        column_config={name: _column(name, rows[name]) for name in rows.columns},
        **options,
    )


def label(name):
    """Write a column's name as a heading."""
    return name.replace("_", " ").capitalize()


def _column(name, values):
    heading = label(name)
    if pd.api.types.is_bool_dtype(values):
        return st.column_config.CheckboxColumn(heading.removeprefix("Is ").capitalize())
    if pd.api.types.is_datetime64_any_dtype(values):
        form = "YYYY-MM-DD HH:mm" if name.endswith("_at") else "YYYY-MM-DD"
        return st.column_config.DatetimeColumn(heading, format=form)
    if pd.api.types.is_numeric_dtype(values):
        if name.endswith(("_rate", "_share", "_probability", "_coverage")) or "_chance" in name:
            return st.column_config.NumberColumn(heading, format="percent")
        if any(word in name for word in MONEY_WORDS) or pd.api.types.is_integer_dtype(values):
            return st.column_config.NumberColumn(heading, format="%,.0f")
        return st.column_config.NumberColumn(heading, format="%.3g")
    return st.column_config.TextColumn(heading, width="large" if "action" in name else None)


def chart(drawing, description):
    """Draw a chart; the description is what a screen reader reads."""
    st.altair_chart(drawing.properties(description=description, height=280))
    st.caption(description)


def bars(rows, category, value, color=None, sort="-x"):
    """Horizontal bars of a value by category, as Altair has them."""
    return (
        alt.Chart(rows)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X(value, type="quantitative", title=label(value), axis=alt.Axis(format="~s")),
            y=alt.Y(category, type="nominal", title=None, sort=sort, axis=alt.Axis(labelLimit=220)),
            tooltip=[category, alt.Tooltip(value, format=",.0f")],
            **({"color": color} if color is not None else {}),
        )
    )
