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
MONEY = ("revenue", "money", "value", "margin", "monetary", "basket", "amount")
# Of these figures less is better.
COSTS = ("Return rate",)
SHORT = ("auc", "mae", "mase", "ndcg", "rfm", "rmse")


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
    """Show figures side by side.

    Parameters
    ----------
    *figures : tuple
        Label and text; then maybe a note below it, which is a change for the better or the worse if
        it begins with a sign; then maybe an explanation.
    """
    for column, (label, text, *rest) in zip(st.columns(len(figures)), figures, strict=True):
        note, explanation = (*rest, None, None)[:2]
        is_change = bool(note) and note[0] in "+-"
        column.metric(
            label,
            text,
            note,
            delta_color="off" if not is_change else "inverse" if label in COSTS else "normal",
            delta_arrow="auto" if is_change else "off",
            help=explanation,
            border=True,
            height="stretch",
        )


def table(rows, **options):
    """Show rows, with headings and formats that follow from the names of their columns."""
    return st.dataframe(
        # Shares are shown to a tenth of a percent.
        rows.round({name: 3 for name in rows.columns if _is_share(name)}),
        hide_index=True,
        column_config={name: _column(name, rows[name]) for name in rows.columns},
        placeholder="",
        **options,
    )


def label(name):
    """Write a column's name as a heading."""
    words = [word.upper() if word in SHORT else word for word in name.split("_")]
    return words[0][0].upper() + " ".join(words)[1:]


def _is_share(name):
    return name.endswith(("_rate", "_share", "_probability", "_coverage")) or "_chance" in name


def _column(name, values):
    heading = label(name)
    if pd.api.types.is_bool_dtype(values):
        return st.column_config.CheckboxColumn(heading)
    if pd.api.types.is_datetime64_any_dtype(values):
        form = "YYYY-MM-DD HH:mm" if name.endswith("_at") else "YYYY-MM-DD"
        return st.column_config.DatetimeColumn(heading, format=form)
    if pd.api.types.is_numeric_dtype(values):
        if _is_share(name):
            return st.column_config.NumberColumn(heading, format="percent")
        if any(word in name for word in MONEY) or values.dropna().mod(1).eq(0).all():
            return st.column_config.NumberColumn(heading, format="%,.0f")
        return st.column_config.NumberColumn(
            heading, format="%.1f" if values.max() > 10 else "%.3f"
        )
    return st.column_config.TextColumn(heading)


def chart(drawing, description):
    """Draw a chart; the description stands below it, and is what a screen reader reads."""
    st.altair_chart(drawing.properties(description=description))
    st.caption(description)


def axis(name):
    """Axis of a quantity, with short numbers where it is money."""
    return alt.Axis(title=label(name), format="~s" if any(word in name for word in MONEY) else ",d")


def bars(rows, category, value, color=None):
    """Horizontal bars of a value by category, the longest first, each with its label."""
    return (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X(value, type="quantitative", axis=axis(value)),
            y=alt.Y(category, type="nominal", title=None, sort="-x",
                    axis=alt.Axis(labelLimit=220, labelOverlap=False)),
            color=alt.value(BLUE) if color is None else color,
            tooltip=[category, alt.Tooltip(value, format=",.0f")],
        )
        .properties(height=alt.Step(22))
    )  # fmt: skip
