"""Who is about to leave, how far that can be believed, why, and whom a budget reaches."""

import altair as alt
import streamlit as st
from audience import to_csv
from show import (
    BLUE,
    GREY,
    ORANGE,
    RISK,
    axis,
    bars,
    chart,
    has_rows,
    metrics,
    number,
    percent,
    section,
    table,
)
from warehouse import answer, read

DECILES = """
    select decile, predicted_rate, observed_rate, lift, captured_share, customers, test_date
    from monitoring.churn_deciles
    order by decile
"""

states = read(
    """
    select
        score_status, score_reason, count(*) as customers,
        sum(churn_probability) as expected_leavers,
        sum(case when risk_band = 'high' then 1 else 0 end) as high_risk_customers
    from customers.customer_churn
    group by score_status, score_reason
    order by customers desc, score_status
    """
)
total = read("select sum(money_at_risk) as money_at_risk from customers.customer_value").iloc[0]
scored = states[states["score_status"] == "scored"]
metrics(
    ("Customers scored", number(scored["customers"].sum())),
    ("Expected to leave", number(scored["expected_leavers"].sum())),
    ("At high risk", number(scored["high_risk_customers"].sum())),
    ("Money at risk", number(total["money_at_risk"])),
)
if scored.empty:
    st.info("Nobody has a churn probability: the table below says why.")

with section("Whom a budget reaches"):
    ranked = """
        select customer_id, money_at_risk, churn_probability, recommended_action, audience_reason
        from customers.campaign_audience
        where campaign_group = 'treatment'
        order by money_at_risk desc, customer_id
    """
    curve = read(
        """
        select place, reached, customers
        from (
            select
                row_number() over (order by money_at_risk desc, customer_id) as place,
                sum(money_at_risk) over (
                    order by money_at_risk desc, customer_id rows unbounded preceding
                ) as reached,
                count(*) over () as customers
            from customers.campaign_audience
            where campaign_group = 'treatment'
        ) as ranked
        where place in (1, customers) or mod(place, cast(ceil(customers / 100) as integer)) = 0
        order by place
        """
    )
    if has_rows(curve, "Nobody is worth a contact: see campaign_audience."):
        left, right = st.columns([2, 3])
        with left:
            cost = st.number_input("Cost of reaching one customer", 0.01, None, 5.0, 0.5)
            most = float(cost * curve["customers"].iloc[-1])
            budget = st.slider("Budget", 0.0, most, round(most / 10, 2), most / 100, "%,.0f")
            # As many as the budget pays for; a cent of rounding costs nobody their place.
            count = int((budget + 0.005) / cost)
            chosen = read(
                "select count(*) as customers, coalesce(sum(money_at_risk), 0) as reached "
                f"from ({ranked} limit {count}) as chosen"
            ).iloc[0]
            metrics(
                ("Customers reached", number(chosen["customers"])),
                ("Money at risk", number(chosen["reached"]),
                 f"{percent(chosen['reached'] / curve['reached'].iloc[-1])} of the audience's"),
            )  # fmt: skip
            st.download_button(
                "Download them as CSV",
                lambda: to_csv(answer(f"{ranked} limit {count}")),
                "campaign_audience.csv",
                "text/csv",
                on_click="ignore",
            )
        with right:
            line = (
                alt.Chart(curve)
                .mark_line(color=BLUE, strokeWidth=3)
                .encode(
                    x=alt.X("place:Q", title="Customers, most money at risk first"),
                    y=alt.Y("reached:Q", axis=axis("money_at_risk")),
                    tooltip=[alt.Tooltip("place:Q", title="customers", format=",.0f"),
                             alt.Tooltip("reached:Q", title="money at risk", format=",.0f")],
                )
            )  # fmt: skip
            here = alt.Chart(alt.Data(values=[{"place": count}]))
            rule = here.mark_rule(color=ORANGE, strokeWidth=2).encode(x="place:Q")
            chart(
                line + rule,
                "Money at risk of those in the audience whom a budget reaches; the line is yours.",
            )

left, right = st.columns(2)
with left, section("Tenths of the customers"):
    deciles = read(DECILES)
    if has_rows(deciles, "No model has been tested yet: no day in the past has a known outcome."):
        observed = (
            alt.Chart(deciles)
            .mark_bar(color=BLUE)
            .encode(
                x=alt.X("decile:O", title="Tenth, most likely to leave first",
                        axis=alt.Axis(labelAngle=0)),
                y=alt.Y("observed_rate:Q", title="Share that left", axis=alt.Axis(format="%")),
                tooltip=["decile", "customers", alt.Tooltip("observed_rate", format=".0%"),
                         alt.Tooltip("predicted_rate", format=".0%"),
                         alt.Tooltip("lift", format=".2f"),
                         alt.Tooltip("captured_share", format=".0%")],
            )
        )  # fmt: skip
        predicted = (
            alt.Chart(deciles)
            .mark_point(color=ORANGE, filled=True, size=90, opacity=1)
            .encode(x="decile:O", y="predicted_rate:Q")
        )
        day = f"{deciles['test_date'].iloc[0]:%d %B %Y}"
        chart(
            observed + predicted,
            f"Bars: who left after {day}. Points: what had been predicted then.",
        )
with right, section("Calibration"):
    deciles = read(DECILES)
    if has_rows(deciles, "No model has been tested yet."):
        rate = {"axis": alt.Axis(format="%"), "scale": alt.Scale(domain=[0, 1])}
        ideal = alt.Chart(alt.Data(values=[{"at": 0}, {"at": 1}]))
        ideal = ideal.mark_line(color=GREY, strokeDash=[5, 5]).encode(x="at:Q", y="at:Q")
        points = (
            alt.Chart(deciles)
            .mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, size=70))
            .encode(
                x=alt.X("predicted_rate:Q", title="Predicted", **rate),
                y=alt.Y("observed_rate:Q", title="Observed", **rate),
                tooltip=["decile", alt.Tooltip("predicted_rate", format=".1%"),
                         alt.Tooltip("observed_rate", format=".1%")],
            )
        )  # fmt: skip
        chart(ideal + points, "On the dashed line as many leave as were predicted to.")

left, right = st.columns(2)
with left, section("Why"):
    reasons = read(
        """
        select reason_code_1 as reason, risk_band, count(*) as customers
        from customers.customer_churn
        where reason_code_1 is not null and risk_band is not null
        group by reason_code_1, risk_band
        """
    )
    if has_rows(reasons, "No score has a reason."):
        color = alt.Color("risk_band:N", title="Risk", scale=RISK, legend=alt.Legend(orient="top"))
        chart(
            bars(reasons, "reason", "customers", color),
            "What speaks loudest for or against leaving, by risk of leaving.",
        )
with right, section("Who is scored, and who is not"):
    table(states[["score_status", "customers", "score_reason"]])
