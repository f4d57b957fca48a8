"""The churn model: SQL scores as scikit-learn does, nothing leaks, and the numbers are true."""

import csv
import datetime as dt
import json
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from simulated_shops import SHOPS, simulated_orders
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from clientele.churn import origins_of, parameters_of, train, training_frame
from clientele.churn_fit import Settings
from clientele.frames import use_one_thread
from clientele.levels import DAY, Levels
from clientele.mbg_nbd import fit_mbg
from clientele.measures import calibration_error
from clientele.pipelines import churn_pipeline
from clientele.sensitivity import sensitivity
from conftest import PROJECT, Shop
from sample.generate import CANCELLED, generate

MARTS = ["+customer_churn", "+customer_value", "+model_scorecard", "+churn_deciles",
         "+churn_horizon_sensitivity", "+churn_prediction_outcomes"]  # fmt: skip


# A shop of which only orders are known.
ORDERS_ALONE = {
    "customers": {
        "relation": "orders",
        "distinct": True,
        "columns": {"customer_id": "customer_id"},
    },
    "products": {"relation": "orders", "distinct": True, "columns": {"product_id": "product_id"}},
    "inventory": {"relation": None},
    "returns": {"relation": None},
    "events": {"relation": None},
    "campaign_contacts": {"relation": None},
    "api_predictions": {"relation": None},
}

# As the models do: without it, sums of doubles depend on the machine.
use_one_thread()


def settings():
    """Return what dbt tells the model: its YAML, and the project's vars."""
    models = yaml.safe_load((PROJECT / "models/ml/churn/_churn__models.yml").read_text())["models"]
    told = next(model for model in models if model["name"] == "churn_model")["config"]["meta"]
    project_vars = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    return Settings(
        features=told["features"],
        horizon=project_vars["churn_horizon_days"],
        minimum_customers=project_vars["minimum_customers"],
        minimum_snapshots=project_vars["minimum_labelled_snapshots"],
        seed=project_vars["random_seed"],
    )


def frame_of(shop, sql):
    """Rows of a query as a DataFrame."""
    with duckdb.connect(str(shop.database), read_only=True) as connection:
        return connection.execute(sql).df()


def build_marts(shop, *arguments, with_tests=False, **options):
    """Build churn and value with what they need; with the data tests that need nothing else."""
    left_out = ["unit_test"] if with_tests else ["unit_test", "test"]
    return shop.succeed(
        "build", "--select", *MARTS, "--exclude-resource-type", *left_out,
        *arguments, **options,
    )  # fmt: skip


def build_snapshots(shop):
    """Build the features and what they need."""
    kinds = ["--exclude-resource-type", "unit_test", "test"]
    return shop.succeed("build", "--select", "+int_customer_snapshots", *kinds)


def write_orders(shop, orders):
    """Replace the shop's orders by (order_id, customer_id, date[, price]) rows of one product."""
    with (shop.raw / "orders.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        names = ["order_id", "customer_id", "product_id", "quantity", "order_date", "unit_price"]
        writer.writerow(names)
        writer.writerows(
            [number, who, "p1", 1, day, *(price or [10])] for number, who, day, *price in orders
        )


def scored_days(shop):
    """Yield each fit, its day, and the customers of that day with features and SQL's score."""
    ((as_of,),) = shop.query("select as_of_date from staging.as_of_date")
    for fit, day, sql in [
        (
            "production",
            pd.Timestamp(as_of),
            "select customer_id, churn_probability from customers.customer_churn",
        ),
        (
            "backtest",
            pd.Timestamp(as_of) - settings().horizon * DAY,
            "select customer_id, churn_probability from ml.churn_backtest where model = 'churn'",
        ),
    ]:
        rows = frame_of(
            shop,
            f"from features.int_customer_snapshots where is_eligible and snapshot_date = '{day}'",
        )
        scored = rows.merge(frame_of(shop, sql), on="customer_id")
        assert len(scored) == len(rows) > 500
        yield fit, day, scored


def rebuilt_scores(shop, fit, day, scored):
    """Return scores by the pipeline that is rebuilt of the parameters, in any order."""
    parameters = frame_of(shop, "from ml.churn_parameters").sample(frac=1, random_state=1)
    pipeline = churn_pipeline(parameters, day, settings().horizon, fit)
    return pipeline.predict_proba(scored)[:, 1]


def test_sql_scores_equal_scikit_learn_and_the_pipeline_rebuilt(sample):
    frame = training_frame(frame_of(sample, "from features.int_training_sample"))
    days = list(scored_days(sample))
    origins = origins_of(frame, [day for _, day, _ in days], settings())
    for fit, day, scored in days:
        fitted, _, _ = train(frame, day, settings(), origins)
        assert fitted.form.name == "ridge_logit"
        for p in (fitted.probabilities(scored, day), rebuilt_scores(sample, fit, day, scored)):
            assert np.abs(p - scored["churn_probability"]).max() < 1e-9
        assert p.std() > 0.1


# A level that runs away, and no skill at all; the others say the same of more shops.
HARDEST = ("growing", "one_time")


@pytest.fixture(
    scope="module",
    params=[
        name if name in HARDEST else pytest.param(name, marks=pytest.mark.thorough)
        for name in SHOPS
    ],
)
def simulated(request, tmp_path_factory):
    """Build a shop whose customers follow a simple rule; returns its name and itself."""
    raw = tmp_path_factory.mktemp(request.param)
    simulated_orders(request.param, customers=1800).to_csv(raw / "orders.csv", index=False)
    shop = Shop(raw, raw / "shop.duckdb")
    return request.param, build_marts(shop, with_tests=True, shop_vars={"shop": ORDERS_ALONE})


def test_no_model_is_published_that_a_simple_rule_beats(simulated):
    name, shop = simulated
    card = frame_of(shop, "from monitoring.model_scorecard").set_index("model")
    model, rules = card.loc["churn"], card.drop("churn")
    if name == "one_time":
        assert model["score_status"] == "no_skill" and model["grade"] == "C"
        assert model["past_skill_low"] < 0.01
    else:
        assert model["score_status"] == "scored" and model["grade"] in ("A", "B")
        assert model["past_skill"] > rules["past_skill"].max()
    # On the test date, which no choice has seen, chance may be against it.
    assert model["brier_score"] < 1.02 * rules["brier_score"].min()


def test_who_knows_nothing_says_so(simulated):
    name, shop = simulated
    statuses = shop.query(
        """
        select
            churn.score_status, count(distinct churn.churn_probability), count(churn.risk_band),
            count(churn.reason_1), count(value.money_at_risk), count(value.predicted_orders)
        from customers.customer_churn as churn
        inner join customers.customer_value as value using (customer_id)
        where churn.score_status in ('scored', 'no_skill')
        group by 1
        """
    )
    ((status, probabilities, bands, reasons, at_risk, predicted),) = statuses
    if name == "one_time":
        assert (status, probabilities, bands, reasons, at_risk) == ("no_skill", 1, 0, 0, 0)
        assert predicted > 500
    else:
        assert status == "scored" and min(probabilities, bands, reasons) > 100


def test_sql_scores_every_form_as_the_pipeline_rebuilt_does(simulated):
    name, shop = simulated
    expected = {"yearly": "boosted_trees", "one_time": "constant", "subscribers": "rfm_logit"}
    # A year ago the shop was too young to tell.
    forms = shop.query(
        """
        select distinct note from ml.churn_parameters
        where feature in ('trained', 'no_skill') and fit != 'backtest_year'
        """
    )
    assert forms == [(expected.get(name, "ridge_logit"),)]
    for fit, day, scored in scored_days(shop):
        p = rebuilt_scores(shop, fit, day, scored)
        assert np.abs(p - scored["churn_probability"]).max() < 1e-9
        assert p.std() > 0.1 or name in ("one_time", "yearly")


def test_the_scorecard_measures_as_scikit_learn_does(sample):
    card = frame_of(sample, "from monitoring.model_scorecard").set_index("model")
    for model, rows in frame_of(sample, "from ml.churn_backtest").groupby("model"):
        churned, p = rows["is_churned"].astype(int), rows["churn_probability"]
        measured = card.loc[model]
        assert measured["auc"] == pytest.approx(roc_auc_score(churned, p), abs=1e-9)
        precision = average_precision_score(churned, p)
        assert measured["average_precision"] == pytest.approx(precision, abs=1e-9)
        assert measured["log_loss"] == pytest.approx(log_loss(churned, p), abs=1e-9)
        assert measured["brier_score"] == pytest.approx(brier_score_loss(churned, p), abs=1e-9)
        churned, p = churned.to_numpy(float), p.to_numpy()
        error = calibration_error(churned, p)
        assert measured["calibration_error"] == pytest.approx(error, abs=1e-9)
        drawn = np.random.default_rng(1).random((2000, len(p))) < p
        chance = np.mean([calibration_error(true.astype(float), p) for true in drawn])
        assert measured["calibration_noise"] == pytest.approx(chance, rel=0.05)
    assert (card.drop("churn")["auc"] < card.loc["churn", "auc"]).all()
    assert card.loc["churn", "grade"] == "A"


def test_a_score_that_many_share_is_measured_as_over_all_their_orders(sample):
    card = frame_of(sample, "from monitoring.model_scorecard").set_index("model")
    draw = np.random.default_rng(1)
    for model, rows in frame_of(sample, "from ml.churn_backtest").groupby("model"):
        churned = rows["is_churned"].to_numpy(float)
        p = rows["churn_probability"].to_numpy()
        orders = [np.lexsort((draw.random(len(p)), -p)) for _ in range(2000)]
        lift = np.mean([churned[order[: len(p) // 10]].mean() for order in orders]) / churned.mean()
        assert card.loc[model, "top_decile_lift"] == pytest.approx(lift, rel=0.01)
        if model == "constant":
            assert card.loc[model, "top_decile_lift"] == pytest.approx(1, abs=1e-12)
            off = abs(churned.mean() - p[0])
            assert card.loc[model, "calibration_error"] == pytest.approx(off, abs=1e-12)


def test_what_comes_later_changes_no_earlier_feature(make_shop):
    day = dt.date(2024, 7, 1)
    whole, altered = make_shop("whole"), make_shop("altered")
    with duckdb.connect() as connection:
        for name, column in [
            ("orders", "order_date"),
            ("returns", "return_date"),
            ("events", "event_at"),
        ]:
            is_later = f"coalesce(try_cast({column} as timestamp) >= '{day}', false)"
            moved = f"strftime(try_cast({column} as timestamp) + interval 9 day, '%Y-%m-%d')"
            # Later rows move by nine days and to another customer; some vanish.
            connection.execute(
                f"""
                copy (
                    select * replace (
                        case when {is_later} then {moved} else {column} end as {column},
                        case when {is_later} then reverse(customer_id) else customer_id end
                            as customer_id
                    )
                    from read_csv('{altered.raw}/{name}.csv', all_varchar = true)
                    where not {is_later} or hash({column}, customer_id) % 3 > 0
                ) to '{altered.raw}/{name}.new' (header)
                """
            )
            (altered.raw / f"{name}.new").replace(altered.raw / f"{name}.csv")
    rows = {}
    for shop in (whole, altered):
        build_snapshots(shop)
        for side, condition in [("before", f"<= '{day}'"), ("after", f"> '{day}'")]:
            rows[shop.raw.name, side] = shop.query(
                "from features.int_customer_snapshots join features.int_snapshot_dates "
                "using (snapshot_date) "
                f"where is_month_start and snapshot_date {condition} order by all"
            )
    assert rows["whole", "before"] == rows["altered", "before"]
    assert len(rows["whole", "before"]) > 5_000
    assert rows["whole", "after"] != rows["altered", "after"]


def test_late_rows_rebuild_the_dates_after_them_and_no_other(make_shop):
    shop = build_snapshots(make_shop("late"))
    with duckdb.connect(str(shop.database)) as connection:
        # A mark that only a rebuilt date loses.
        connection.execute("update features.int_customer_snapshots set recency_days = -1")
    with (shop.raw / "orders.csv").open("a") as file:
        file.write("LATE,C000007,00001,1,2024-03-10 10:00:00,,5.00,,completed,web,1,\n")
    build_snapshots(shop)
    dates = dict(
        shop.query(
            "select snapshot_date, min(recency_days) "
            "from features.int_customer_snapshots group by 1"
        )
    )
    rebuilt = {day for day, lowest in dates.items() if lowest > 0}
    assert rebuilt == {day for day in dates if day > dt.date(2024, 3, 10)}
    assert len(rebuilt) < len(dates)


@pytest.mark.parametrize("case", ["all", "none"])
def test_a_shop_that_cannot_be_learnt_from_says_why(make_shop, case):
    shop = make_shop(files=["customers.json", "products.parquet", "inventory.csv"])
    first = dt.date(2023, 1, 1)
    if case == "all":
        orders = [(f"o{i}", f"c{i}", first + dt.timedelta(days=i % 120)) for i in range(300)]
        shop_vars = {"as_of_date": "2024-01-01"}
    else:
        orders = [
            (f"o{i}-{k}", f"c{i}", first + dt.timedelta(days=20 * k + i % 5))
            for i in range(250)
            for k in range(19)
        ]
        shop_vars = None
    write_orders(shop, orders)
    build_marts(shop, with_tests=True, shop_vars=shop_vars)
    reasons = shop.query(
        "select distinct score_status, score_reason from customers.customer_churn "
        "where score_status != 'never_ordered'"
    )
    assert reasons == [
        (
            "insufficient_history",
            f"No model: {case} of the customers churned, so there is nothing to tell apart.",
        )
    ]
    predicted = "select count(predicted_orders) from customers.customer_value"
    assert shop.query(predicted) == [(0,)]
    ((status, why),) = shop.query(
        "select score_status, score_reason from monitoring.model_scorecard"
    )
    assert status == "insufficient_history" and why


@pytest.mark.parametrize(
    ("keep", "reason"),
    [
        (lambda rows: rows["customer_id"] < "C000100", "customers have a known outcome, 200 are"),
        (lambda rows: rows["snapshot_date"] < "2023-03-02", "2 past snapshot dates have a known"),
        (lambda rows: rows["customer_id"] == "C000007", "1 customers have a known outcome"),
        (lambda rows: rows["customer_id"] == "", "0 past snapshot dates have a known outcome"),
    ],
    ids=["few_customers", "few_snapshots", "one_customer", "no_row"],
)
def test_too_little_data_gives_a_status_and_no_parameter(sample, keep, reason):
    frame = training_frame(frame_of(sample, "from features.int_training_sample"))
    day = pd.Timestamp("2025-07-01")
    rows = parameters_of(frame[keep(frame)], day, settings(), [])
    assert [row["parameter_type"] for row in rows] == ["status"]
    assert rows[0]["feature"] == "insufficient_history" and reason in rows[0]["note"]
    sensitivity(frame[keep(frame)], day, settings())


def test_the_horizon_in_use_stands_beside_the_others(sample):
    frame = training_frame(frame_of(sample, "from features.int_training_sample"))
    rows = sensitivity(frame, pd.Timestamp("2025-07-01"), replace(settings(), horizon=120))
    found = pd.DataFrame(rows).pivot(index="note", columns="feature", values="value")
    assert found.loc["120 days", "auc"] > 0.7
    assert found.loc["90 days", "churn_rate"] > found.loc["120 days", "churn_rate"]
    assert found.loc["120 days", "churn_rate"] > found.loc["180 days", "churn_rate"]


def test_constant_features_and_missing_events_are_learnt_around(make_shop):
    shop = make_shop(files=["customers.json", "products.parquet", "inventory.csv"])
    first = dt.date(2023, 1, 1)
    # Every order has the same value and basket; when the next one comes, and whether, is chance.
    draw = np.random.default_rng(2)
    orders = [
        (f"o{who}-{day}", f"c{who}", first + dt.timedelta(days=day))
        for who in range(300)
        for day in {int(day) for day in draw.uniform(0, 100) + draw.exponential(20, 60).cumsum()}
        if day < min(450, 50 + 3 * who)
    ]
    write_orders(shop, orders)
    build_marts(shop, with_tests=True)
    ((count, highest),) = shop.query(
        "select count(churn_probability), max(churn_probability) from customers.customer_churn"
    )
    assert count > 200 and highest < 1
    constant = shop.query(
        "select distinct feature from ml.churn_parameters where model = 'churn' "
        "and parameter_type = 'term' and scale_value is null and transform != 'missing'"
    )
    assert {("mean_value",), ("events_30",)} <= set(constant)


def test_a_stored_model_scores_new_customers_and_is_held_to_what_came_of_it(make_shop):
    shop = build_marts(make_shop("stored"), shop_vars={"as_of_date": "2025-03-01"})
    before = dict(shop.query("select customer_id, churn_probability from customers.customer_churn"))
    # What the API answered then: the build's figures, and one of somebody unknown to the shop.
    asked = [(who, p) for who, p in sorted(before.items()) if p is not None][:400]
    told = {"score_status": "scored", "model_version": "v", "as_of_date": "2025-03-01"}
    lines = [
        json.dumps(
            {"predicted_at": "2025-03-02T10:00:00Z", "customer_id": w, "churn_probability": p}
            | told
        )
        for w, p in [*asked, ("NOBODY", 0.5)]
    ]
    (shop.raw / "api_predictions.json").write_text("\n".join(lines))
    # The table as versions left it that did not know of the API.
    with duckdb.connect(str(shop.database)) as connection:
        connection.execute("alter table monitoring.churn_predictions drop column origin")
    build_marts(shop, "--exclude", "tag:train")
    after = frame_of(shop, "from customers.customer_churn where score_status = 'scored'")
    assert set(after["model_version"].str[:10]) == {"2025-03-01"}
    new = set(after["customer_id"]) - {who for who, p in before.items() if p is not None}
    assert len(new) > 50
    ((over, predicted, observed),) = shop.query(
        "select is_over, predicted_rate, observed_rate from monitoring.churn_prediction_outcomes "
        "where prediction_date = '2025-03-01' and origin = 'build'"
    )
    assert over and abs(predicted - observed) < 0.06
    ((churned,),) = shop.query(
        """
        select avg(case when orders.customer_id is null then 1 else 0 end)
        from monitoring.churn_predictions as predictions
        left join (
            select distinct customer_id from core.fct_orders
            where not is_cancelled and order_date >= '2025-03-01'
            and order_date < date '2025-03-01' + 90
        ) as orders using (customer_id)
        where predictions.as_of_date = '2025-03-01' and predictions.origin = 'build'
        """
    )
    assert observed == pytest.approx(churned, abs=1e-12)
    ((judged, unknown, predicted),) = shop.query(
        "select customers, unknown_customers, predicted_rate "
        "from monitoring.churn_prediction_outcomes "
        "where prediction_date = '2025-03-01' and origin = 'api'"
    )
    assert (judged, unknown) == (400, 1)
    assert predicted == pytest.approx(sum(p for _, p in asked) / 400, abs=1e-9)


def true_churn(shop, as_of, horizon):
    """Chance of no order within the horizon, by customer: see sample/generate.py."""
    truth = shop.raw / "truth"
    clock = duckdb.sql(f"select date::date, operational_day from '{truth}/clock_truth.parquet'")
    clock = dict(clock.fetchall())
    customers = duckdb.sql(f"from '{truth}/customers_truth.parquet'").df().set_index("customer_id")
    passed = clock[as_of + dt.timedelta(days=horizon)] - clock[as_of]
    counts = 1 - CANCELLED + CANCELLED * customers["dropout_probability"]
    p = 1 - (1 - CANCELLED) / counts * (1 - np.exp(-counts * customers["purchase_rate"] * passed))
    gone = pd.to_datetime(customers["alive_until"]) < pd.Timestamp(as_of)
    return p.where(~gone, 1.0)


def test_predictions_are_true_where_the_truth_is_known(tmp_path):
    generate(tmp_path / "raw", customers=4000, seed=5, truth=True, clean=True)
    shop = build_marts(Shop(tmp_path / "raw", tmp_path / "truth.duckdb"))
    ((as_of,),) = shop.query("select as_of_date from staging.as_of_date")
    scored = frame_of(shop, "from customers.customer_churn where score_status = 'scored'")
    truth = true_churn(shop, as_of, settings().horizon).reindex(scored["customer_id"]).to_numpy()
    assert len(scored) > 2000 and not np.isnan(truth).any()
    # The slope of the truth on the predicted log odds: 1 where they are neither bold nor timid.
    p = scored["churn_probability"].to_numpy()
    odds = np.log(p / (1 - p))[:, None]
    recalibration = LogisticRegression(C=1e9).fit(
        np.vstack([odds, odds]),
        np.repeat([1, 0], len(p)),
        sample_weight=np.concatenate([truth, 1 - truth]),
    )
    assert 0.9 < recalibration.coef_[0, 0] < 1.1
    assert abs(p.mean() - truth.mean()) < 0.03
    card = frame_of(shop, "from monitoring.model_scorecard").set_index("model")
    assert card.loc["churn", "auc"] > card.drop("churn")["auc"].max() + 0.01
    assert card.loc["churn", "log_loss"] < card.drop("churn")["log_loss"].min()


def test_mbg_nbd_finds_the_parameters_it_was_drawn_from():
    draw = np.random.default_rng(3)
    r, alpha, a, b = 1.5, 60.0, 1.0, 4.0
    n = 20_000
    rate, leave = draw.gamma(r, 1 / alpha, n), draw.beta(a, b, n)
    age = draw.uniform(100, 900, n)
    x, last = np.zeros(n), np.zeros(n)
    alive = draw.random(n) > leave
    now = np.zeros(n)
    while alive.any():
        now = np.where(alive, now + draw.exponential(1 / rate), now)
        alive &= now < age
        x, last = x + alive, np.where(alive, now, last)
        alive &= draw.random(n) > leave
    found = fit_mbg(x + 1, age - last, age)
    assert found["r"] / found["alpha"] == pytest.approx(r / alpha, rel=0.1)
    assert found["a"] / (found["a"] + found["b"]) == pytest.approx(a / (a + b), rel=0.15)


def test_the_level_follows_the_season_once_a_year_is_known():
    dates = pd.date_range("2022-06-01", "2024-06-01", freq="MS")
    values = np.where(dates.month >= 10, 1.0, 0.0) + np.where(dates.year >= 2024, 0.2, 0.0)
    history = ((dates - dates[0]).days + 30).to_numpy()
    levels = Levels(dates, values, np.full(len(dates), 100), history)
    # Last year's December level plus half of the 0.2 by which this year lies above the last.
    assert levels.at(pd.Timestamp("2024-12-01"), "last2") == (pytest.approx(1.1), "season")
    young = Levels(dates[-6:], values[-6:], np.full(6, 100), history[:6])
    assert young.at(pd.Timestamp("2024-12-01"), "last2") == (pytest.approx(0.2), "last2")


def test_without_a_model_there_is_no_pipeline_but_its_reason():
    status = {
        "fit": "production",
        "model": "churn",
        "parameter_type": "status",
        "feature": "insufficient_history",
        "note": "2 past snapshot dates have a known outcome, 3 are needed",
    }
    day = pd.Timestamp("2025-07-01")
    with pytest.raises(ValueError, match="no churn model: 2 past snapshot dates"):
        churn_pipeline(pd.DataFrame([status]), day)
    with pytest.raises(ValueError, match="no churn model: none was trained"):
        churn_pipeline(pd.DataFrame([status]), day, fit="backtest")
