"""How good the predictions are, and whether the models still fit the shop."""

import altair as alt
import streamlit as st
from show import BLUE, ORANGE, chart, has_rows, metrics, number, section, table
from warehouse import read

UNTESTED = "Nothing has been tested yet: no day in the past has a known outcome."

churn = read(
    """
    select
        model, split, test_date, auc, brier_score, log_loss, skill, calibration_error,
        top_decile_lift, customers, grade, score_status, score_reason, model_version
    from monitoring.model_scorecard
    order by brier_score, model
    """
)
model = churn[(churn["model"] == "churn") & (churn["split"] == "test")]
if has_rows(model, UNTESTED):
    model = model.iloc[0]
    metrics(
        ("Grade of the churn model", model["grade"] or "–"),
        (
            "AUC",
            number(model["auc"], 3),
            None,
            "Chance that who leaves was ranked before who stays.",
        ),
        ("Brier score", number(model["brier_score"], 3), None, "Squared error; lower is better."),
        ("Calibration error", number(model["calibration_error"], 3)),
    )
    if model["score_reason"]:
        st.info(model["score_reason"])

with section("Churn, beside simple rules"):
    if has_rows(churn, UNTESTED):
        table(churn.drop(columns=["split", "score_reason", "score_status"]))

left, right = st.columns(2)
with left, section("Do the segments still fit?"):
    drift = read(
        """
        select snapshot_date, adjusted_rand_index, retrain_recommended, trained_date
        from monitoring.segment_drift
        order by snapshot_date
        """
    )
    if has_rows(drift, "There are no segments yet."):
        drawing = (
            alt.Chart(drift)
            .mark_line(color=BLUE)
            .encode(
                x=alt.X("snapshot_date:T", title=None),
                y=alt.Y("adjusted_rand_index:Q", title="Agreement", scale=alt.Scale(domainMax=1)),
            )
        )
        points = drawing.mark_point(filled=True, size=80, opacity=1).encode(
            color=alt.Color("retrain_recommended:N", title="Retrain",
                            legend=alt.Legend(orient="top"),
                            scale=alt.Scale(domain=[False, True], range=[BLUE, ORANGE])),
            tooltip=["snapshot_date:T", alt.Tooltip("adjusted_rand_index:Q", format=".2f"),
                     "retrain_recommended"],
        )  # fmt: skip
        chart(
            drawing + points,
            "Agreement (adjusted Rand index) of the segments in use with ones fitted to each "
            f"month; trained on {drift['trained_date'].iloc[-1]:%d %B %Y}.",
        )
with right, section("How many segments"):
    selection = read(
        """
        select feature_set, segment_count, inertia, silhouette, explained_share, is_in_use
        from monitoring.segment_model_selection
        order by feature_set, segment_count
        """
    )
    if has_rows(selection, "There are no segments yet."):
        drawing = (
            alt.Chart(selection)
            .mark_line(point=True)
            .encode(
                x=alt.X("segment_count:O", title="Segments", axis=alt.Axis(labelAngle=0)),
                y=alt.Y("silhouette:Q", title="Silhouette"),
                color=alt.Color("feature_set:N", title="Features", legend=alt.Legend(orient="top")),
                tooltip=["feature_set", "segment_count", alt.Tooltip("silhouette:Q", format=".3f"),
                         alt.Tooltip("inertia:Q", format=",.0f"), "is_in_use"],
            )
        )  # fmt: skip
        used = selection[selection["is_in_use"].astype(bool)]
        which = (
            f"{used['segment_count'].iloc[0]} of {used['feature_set'].iloc[0]}"
            if len(used)
            else "none"
        )
        chart(
            drawing,
            f"How well customers lie in their segment, by number of segments. In use: {which}.",
        )

left, right = st.columns(2)
with left, section("Value and next order"):
    rows = read(
        """
        select
            model, orders_rmse, orders_mae, orders_total_error, value_mae, value_total_error,
            year_orders_total_error, year_value_mae, year_value_total_error,
            next_order_error_days, next_order_coverage, customers
        from monitoring.value_scorecard
        order by orders_rmse nulls last, model
        """
    )
    if has_rows(rows, UNTESTED):
        table(rows)
with right, section("Forecast"):
    rows = read(
        """
        select
            model, grade, mase, relative_mase, total_error, total_bias, interval_coverage,
            origin_count
        from monitoring.forecast_scorecard
        order by mase nulls last, model
        """
    )
    if has_rows(rows, UNTESTED):
        table(rows)

left, right = st.columns(2)
with left, section("Recommendations"):
    rows = read(
        """
        select list, model, hit_rate, recall, ndcg, grade, recommended_gain, customer_count
        from monitoring.recommendation_scorecard
        order by list, ndcg desc, model
        """
    )
    if has_rows(rows, UNTESTED):
        table(rows)
with right, section("What became of predictions"):
    rows = read(
        """
        select
            prediction_date, origin, horizon_end_date, is_over, customers, predicted_rate,
            observed_rate
        from monitoring.churn_prediction_outcomes
        order by prediction_date desc, origin, model_version
        limit 50
        """
    )
    if has_rows(rows, "No prediction has been published yet."):
        table(rows)
