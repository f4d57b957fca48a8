"""What was sold, what sells, and what is expected of the next weeks."""

from datetime import timedelta

import altair as alt
import pandas as pd
import streamlit as st
from show import BLUE, GREY, ORANGE, axis, bars, chart, has_rows, metrics, number, section, table
from warehouse import read

PERIODS = {"Last 90 days": 90, "Last 365 days": 365, "All": None}

period = st.segmented_control("Period", list(PERIODS), default="Last 90 days", required=True)
newest = read("select max(order_date) as newest_date from sales.daily_sales").iloc[0, 0]
if newest is None or newest != newest:
    st.info("No order has been accepted yet: the page Data says what was rejected, and why.")
    st.stop()
# No shop's days are more than a century.
start = newest - timedelta(days=(PERIODS[period] or 36_500) - 1)
first = f"{start:%Y-%m-%d}"

daily = read(
    """
    select order_date, revenue, net_revenue, margin, order_count, unit_count, revenue_average_28
    from sales.daily_sales
    where order_date >= cast(? as date)
    order by order_date
    """,
    first,
)
metrics(
    ("Revenue", number(daily["revenue"].sum())),
    ("Net revenue", number(daily["net_revenue"].sum())),
    ("Margin", number(daily["margin"].sum())),
    ("Orders", number(daily["order_count"].sum())),
    ("Units", number(daily["unit_count"].sum())),
)

with section("Days, and the forecast"):
    forecast = read(
        """
        select
            order_date, expected_revenue, low_revenue, high_revenue, cumulative_revenue,
            low_cumulative_revenue, high_cumulative_revenue, status_reason, forecast_method
        from sales.sales_forecast
        order by order_date
        """
    )
    x = alt.X("order_date:T", title=None)
    days = alt.Chart(daily).encode(x=x)
    ahead = alt.Chart(forecast).encode(x=x)
    drawing = alt.layer(
        days.mark_line(color=GREY, strokeWidth=1).encode(
            y=alt.Y("revenue:Q", axis=axis("revenue")),
            tooltip=["order_date:T", alt.Tooltip("revenue:Q", format=",.0f")],
        ),
        days.mark_line(color=BLUE, strokeWidth=2.5).encode(y="revenue_average_28:Q"),
        ahead.mark_area(color=ORANGE, opacity=0.35).encode(
            y="low_revenue:Q", y2="high_revenue:Q"
        ),
        ahead.mark_line(color=ORANGE, strokeWidth=2.5).encode(
            y="expected_revenue:Q",
            tooltip=["order_date:T", alt.Tooltip("expected_revenue:Q", format=",.0f"),
                     alt.Tooltip("low_revenue:Q", format=",.0f"),
                     alt.Tooltip("high_revenue:Q", format=",.0f")],
        ),
    )  # fmt: skip
    chart(
        drawing,
        "Revenue by day (grey), its average of 28 days (blue), and what is expected, with a range "
        "that holds four days of five (orange).",
    )
    if forecast.empty or forecast["expected_revenue"].isna().all():
        reasons = forecast["status_reason"].dropna()
        st.info(f"There is no forecast. {reasons.iloc[0] if len(reasons) else ''}")
    else:
        total = forecast.iloc[-1]
        ends = [total["low_cumulative_revenue"], total["high_cumulative_revenue"]]
        likely = (
            ""
            if pd.isna(ends[0])
            else f", with 80 % probability {number(ends[0])} to {number(ends[1])}"
        )
        st.caption(
            f"Expected of {len(forecast)} days: {number(total['cumulative_revenue'])}{likely}. "
            f"{total['forecast_method']}"
        )

left, right = st.columns(2)
with left, section("Revenue by category"):
    rows = read(
        """
        select coalesce(category, 'unknown') as category, sum(revenue) as revenue
        from sales.daily_category_sales
        where order_date >= cast(? as date)
        group by coalesce(category, 'unknown')
        order by revenue desc, category
        limit 15
        """,
        first,
    )
    if has_rows(rows, "No category has sold anything."):
        chart(
            bars(rows, "category", "revenue"),
            f"Up to 15 categories since {daily['order_date'].iloc[0]:%d %B %Y}.",
        )
with right, section("Products"):
    products = read(
        """
        select
            product_name, category, revenue_365, unit_count_365, margin_rate, return_rate,
            lifecycle, is_drop_candidate, product_id
        from sales.product_performance
        order by revenue_365 desc nulls last, product_id
        limit 50
        """
    )
    if has_rows(products, "No product has sold anything."):
        table(products, height=320)
        st.caption("The first 50 by revenue of the last 365 days.")

left, right = st.columns(2)
with left, section("Channels"):
    channels = read(
        """
        select
            coalesce(channel, 'unknown') as channel, sum(customer_count) as customers,
            sum(revenue) as revenue, sum(predicted_value) as predicted_value,
            sum(repeat_customer_count) / nullif(sum(observed_customer_count), 0) as repeat_rate,
            sum(revenue_365) / nullif(sum(observed_customer_count_365), 0)
                as revenue_per_customer_365
        from sales.acquisition_channels
        group by coalesce(channel, 'unknown')
        order by revenue desc, channel
        """
    )
    if has_rows(channels, "No customer's first order names its channel."):
        table(channels)
        st.caption(
            "Customers by the channel of their first order; the revenue of their first 365 days, "
            "of those whose 365 days are over."
        )
with right, section("Odd orders"):
    odd = read(
        """
        select order_id, customer_id, order_date, order_revenue, reason
        from sales.order_anomalies
        order by anomaly_score desc, order_id
        limit 50
        """
    )
    if has_rows(odd, "No order is odd enough to look at."):
        table(odd)
