"""How the shop does: key figures of a month beside the year before, and who its customers are."""

import altair as alt
import streamlit as st
from show import BLUE, GREY, ORANGE, axis, bars, chart, has_rows, metrics, number, percent, section
from warehouse import read

FIGURES = {
    "revenue": ("Revenue", number),
    "net_revenue": ("Net revenue", number),
    "margin": ("Margin", number),
    "orders": ("Orders", number),
    "active_customers": ("Active customers", number),
    "average_basket": ("Average basket", lambda value: number(value, 2)),
    "repeat_rate": ("Repeat rate", percent),
    "return_rate": ("Return rate", lambda value: percent(value, 1)),
}

figures = read(
    """
    select kpi, month_date, is_whole_month, kpi_value, change_year
    from sales.business_kpis
    where period = 'month'
    order by month_date desc
    """
)
if has_rows(
    figures, "No order has been accepted yet: the page Data says what was rejected, and why."
):
    months = list(figures["month_date"].drop_duplicates())
    whole = figures.loc[figures["is_whole_month"], "month_date"]
    month = st.selectbox(
        "Month",
        months,
        index=months.index(whole.iloc[0]) if len(whole) else 0,
        format_func=lambda day: f"{day:%B %Y}",
        width=220,
    )
    of_month = figures[figures["month_date"] == month].set_index("kpi")
    shown = []
    for kpi, (title, form) in FIGURES.items():
        if kpi in of_month.index:
            change = of_month.at[kpi, "change_year"]
            text = None if change != change else f"{change:+.0%} on a year before"
            shown.append((title, form(of_month.at[kpi, "kpi_value"]), text))
    for row in range(0, len(shown), 4):
        metrics(*shown[row : row + 4])

customers = read(
    """
    select
        count(*) as customers,
        sum(case when risk_band = 'high' then 1 else 0 end) as high_risk_customers,
        sum(money_at_risk) as money_at_risk,
        sum(predicted_value) as predicted_value,
        max(as_of_date) as as_of_date
    from customers.customer_360
    """
).iloc[0]
if customers["customers"]:
    st.caption(f"Customers as of {customers['as_of_date']:%d %B %Y}")
    metrics(
        ("Customers", number(customers["customers"])),
        ("At high risk of leaving", number(customers["high_risk_customers"])),
        ("Money at risk", number(customers["money_at_risk"]), None,
         "The chance of leaving times what the customer would bring within a year if they stayed."),
        ("Expected within a year", number(customers["predicted_value"])),
    )  # fmt: skip

left, right = st.columns(2)
with left, section("Revenue by month"):
    rows = read(
        """
        select month_date, 'returning' as customers, returning_customer_revenue as revenue
        from sales.monthly_sales
        union all
        select month_date, 'new' as customers, new_customer_revenue as revenue
        from sales.monthly_sales
        union all
        select month_date, 'guests' as customers, guest_revenue as revenue
        from sales.monthly_sales
        """
    )
    if has_rows(rows, "No month has an order yet."):
        drawing = (
            alt.Chart(rows)
            .mark_bar()
            .encode(
                x=alt.X("yearmonth(month_date):T", title=None),
                y=alt.Y("revenue:Q", axis=axis("revenue")),
                color=alt.Color(
                    "customers:N",
                    title=None,
                    scale=alt.Scale(
                        domain=["returning", "new", "guests"], range=[BLUE, ORANGE, GREY]
                    ),
                    legend=alt.Legend(orient="top"),
                ),
                tooltip=[
                    alt.Tooltip("month_date:T", format="%B %Y"),
                    "customers",
                    alt.Tooltip("revenue:Q", format=",.0f"),
                ],
            )
        )
        chart(drawing, "Revenue by month, of returning customers, of new ones and of guests.")
with right, section("Customers by RFM segment"):
    rows = read(
        """
        select rfm_segment, count(*) as customers
        from customers.customer_rfm
        group by rfm_segment
        """
    )
    if has_rows(rows, "Nobody has ordered yet."):
        chart(
            bars(rows, "rfm_segment", "customers"),
            "Customers by how lately, how often and for how much they ordered.",
        )
