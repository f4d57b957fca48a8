"""The churn and value models on real shops, beside the models that analysts would use instead.

    python benchmarks/churn.py --online-retail-2 <folder of online_retail_ii.parquet>

CDNOW comes with the package `lifetimes`; Online Retail II is skipped when no folder is given. Each
shop goes through the project's dbt build in a database of its own. The peers are then trained on
what was known on the test date and score the very customers of `churn_backtest`. Rewrites the
tables of the shops it measured between the `benchmark` comments of docs/models.md; those of the
others stay.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import lifetimes
import numpy as np
import pandas as pd
import yaml
from lifetimes import BetaGeoFitter
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from clientele.measures import calibration_error

PROJECT = Path(__file__).parents[1]
SEED = 1
RESAMPLES = 1000
HORIZON = 90
OURS = "churn"
NAMES = {
    "churn": "**churn model**",
    "rfm_logit": "plain RFM logit",
    "rfm_sum": "sum of RFM scores",
    "silent_rule": 'best "silent for X days" rule',
    "constant": "the share of churners",
}
# Metric: its name, and whether more of it is better (1) or worse (-1).
METRICS = {
    "auc": ("AUC", 1),
    "average_precision": ("average precision", 1),
    "brier_score": ("Brier score", -1),
    "log_loss": ("log loss", -1),
    "calibration_error": ("calibration error", -1),
}
# What the project asked of itself: the figures of its prototype on these test dates.
MARKS = {
    "cdnow": {"auc": 0.746, "brier_score": 0.171, "calibration_error": 0.03},
    "online_retail_2": {"auc": 0.777, "brier_score": 0.191, "calibration_error": 0.03},
}
SHOPS = {
    "cdnow": "CDNOW",
    "cdnow_sample": "CDNOW, the 1/10 sample of the literature",
    "online_retail_2": "Online Retail II",
}
MAPPINGS = {
    "cdnow": "cdnow.yml",
    "cdnow_sample": "cdnow.yml",
    "online_retail_2": "online_retail_2.yml",
}
# Value: the day to predict from, and how many days. CDNOW: 39 weeks to learn from and 39 weeks to
# predict, as in Fader, Hardie and Lee (2005). Online Retail II: its last year.
SPLITS = {
    "cdnow": (pd.Timestamp("1997-10-01"), 273),
    "cdnow_sample": (pd.Timestamp("1997-10-01"), 273),
    "online_retail_2": (pd.Timestamp("2010-12-10"), 365),
}


def write_cdnow(folder, sample):
    """Write CDNOW, or its 1/10 sample, as the raw file that shops/cdnow.yml maps."""
    datasets = Path(lifetimes.__file__).parent / "datasets"
    columns = ["customer_id", "date", "number_of_cds", "dollar_value"]
    if sample:
        path, columns = datasets / "CDNOW_sample.txt", ["full_customer_id", *columns]
    else:
        path = datasets / "CDNOW_master.txt"
    orders = pd.read_csv(path, sep=r"\s+", skiprows=0 if sample else 1, names=columns, dtype=str)
    orders["date"] = pd.to_datetime(orders["date"]).dt.strftime("%Y-%m-%d")
    orders.insert(0, "order_id", np.arange(1, len(orders) + 1))
    folder.mkdir(parents=True)
    orders[["order_id", *columns[-4:]]].to_csv(folder / "cdnow.csv", index=False)


def dbt(command, raw, mapping, database, *arguments, **variables):
    """Run dbt on a shop in a database of its own; returns what it printed."""
    own = yaml.safe_load((PROJECT / "shops" / mapping).read_text()) if mapping else {}
    shop_vars = own | variables
    run = subprocess.run(
        [
            Path(sys.executable).parent / "dbt", "--quiet", command, "--target", "duckdb",
            "--target-path", database.with_suffix(".target"),
            "--log-path", database.with_suffix(".log"),
            "--vars", yaml.safe_dump(shop_vars), *arguments,
        ],
        cwd=PROJECT,
        env=os.environ | {"CLIENTELE_RAW_DIR": str(raw), "CLIENTELE_DUCKDB": str(database)},
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    if run.returncode:
        sys.exit(f"{run.stdout}\ndbt {command} of {mapping} failed")
    return run.stdout


def dbt_build(raw, mapping, database, models, **variables):
    """Build models of a shop, and all they need; data tests included."""
    options = ["--exclude-resource-type", "unit_test", "--select", *[f"+{name}" for name in models]]
    dbt("build", raw, mapping, database, *options, **variables)


def read_backtest(database):
    """Read what a build knew and found.

    Returns
    -------
    tuple of (DataFrame, DataFrame, DataFrame, DataFrame)
        All labelled eligible snapshots that were known on the test date; all customers of the test
        date; the tested ones with `is_churned` and a column per model of churn_backtest, by
        customer_id; model_scorecard.
    """
    with duckdb.connect(str(database), read_only=True) as shop:
        snapshots = shop.sql("""
            select customer_snapshots.*, outcomes.is_churned
            from features.int_customer_snapshots as customer_snapshots
            inner join features.int_customer_outcomes as outcomes using (customer_id, snapshot_date)
            where history_days >= 30
            order by snapshot_date, customer_id
        """).df()
        predictions = shop.sql("""
            pivot (select model, customer_id, churn_probability from ml.churn_backtest)
            on model using any_value(churn_probability) group by customer_id
        """).df()
        scorecard = shop.sql("from monitoring.model_scorecard").df().set_index("model")
    test_date = scorecard["test_date"].iloc[0]
    known = snapshots["snapshot_date"] + pd.Timedelta(days=HORIZON) <= test_date
    train = snapshots[known & snapshots["is_eligible"]]
    customers = snapshots[snapshots["snapshot_date"] == test_date]
    test = customers.merge(predictions, on="customer_id").sort_values("customer_id")
    return train, customers, test.reset_index(drop=True), scorecard


def repeat_summary(frame):
    """Repeat order days, week of the last and age in weeks, as `lifetimes` wants its customers."""
    tenure = frame["tenure_days"].to_numpy(float)
    recency = frame["recency_days"].to_numpy(float)
    return frame["order_days"].to_numpy(float) - 1, (tenure - recency) / 7, tenure / 7


def bg_nbd(frame):
    """Fit BG/NBD (Fader, Hardie and Lee 2005, doi 10.1287/mksc.1040.0098) to order days."""
    fitter = BetaGeoFitter()
    fitter.fit(*repeat_summary(frame))
    return fitter


def bg_nbd_no_order(fitter, frame):
    """Chance of no order within the horizon, by BG/NBD.

    Who is alive has a rate from Gamma(r + x, alpha + T) and leaves after an order at the earliest:
    1 - P(alive) (1 - ((alpha + T) / (alpha + T + horizon))^(r + x)).
    """
    x, t_x, age = repeat_summary(frame)
    r, alpha = fitter.params_["r"], fitter.params_["alpha"]
    alive = np.asarray(fitter.conditional_probability_alive(x, t_x, age))
    silent = ((alpha + age) / (alpha + age + HORIZON / 7)) ** (r + x)
    return 1 - alive * (1 - silent)


def peers(train, customers, test):
    """Probabilities of the peers for the test rows.

    Parameters
    ----------
    train : DataFrame
        Labelled snapshots that were known on the test date.
    customers : DataFrame
        Every customer with an order before the test date, which is all that BG/NBD learns from.
    test : DataFrame

    Returns
    -------
    dict of str to array, shape (len(test),)
    """
    churned = train["is_churned"].astype(int)
    newest = train["snapshot_date"] == train["snapshot_date"].max()
    rfm = ["recency_days", "frequency", "monetary"]
    known = {"customer_id", "snapshot_date", "history_fingerprint", "is_eligible", "is_churned"}
    features = [name for name in train if name not in known and train[name].nunique() > 1]
    forests = {
        "random forest on R, F, M: the usual notebook": {},
        "random forest on R, F, M, 50 customers per leaf": {"min_samples_leaf": 50},
    }
    found = {"BG/NBD (lifetimes)": bg_nbd_no_order(bg_nbd(customers), test)}
    boosting = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=15, min_samples_leaf=50, random_state=SEED
    )
    boosting.fit(train[features].astype(float), churned)
    found["gradient boosting on all features"] = boosting.predict_proba(
        test[features].astype(float)
    )[:, 1]
    for name, settings in forests.items():
        forest = RandomForestClassifier(200, random_state=SEED, **settings)
        forest.fit(train.loc[newest, rfm].astype(float), churned[newest])
        found[name] = forest.predict_proba(test[rfm].astype(float))[:, 1]
    recency = LogisticRegression(C=1e3)
    recency.fit(np.log(train[["recency_days"]]), churned)
    found["recency alone (logit)"] = recency.predict_proba(np.log(test[["recency_days"]]))[:, 1]
    return found


def measure(churned, p):
    """Scores of probabilities `p` against outcomes, both of shape (n,)."""
    return {
        "auc": roc_auc_score(churned, p),
        "average_precision": average_precision_score(churned, p),
        "brier_score": brier_score_loss(churned, p),
        "log_loss": log_loss(churned, np.clip(p, 1e-6, 1 - 1e-6)),
        "calibration_error": calibration_error(churned, p),
    }


def resampled_aucs(churned, predictions):
    """AUC of each model on the same resamples of the customers: one row per resample."""
    draws = np.random.default_rng(SEED)
    groups = {name: np.unique(p, return_inverse=True)[1] for name, p in predictions.items()}
    rows = []
    for _ in range(RESAMPLES):
        times = np.bincount(
            draws.integers(0, len(churned), len(churned)), minlength=len(churned)
        ).astype(float)
        row = {}
        for name, group in groups.items():
            churners = np.bincount(group, times * churned)
            others = np.bincount(group, times * (1 - churned))
            above = churners * (np.cumsum(others) - others / 2)
            row[name] = above.sum() / (churners.sum() * others.sum())
        rows.append(row)
    return pd.DataFrame(rows)


def interval(values, digits=3, sign=""):
    """Write the central 95 % of values."""
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:{sign}.{digits}f} to {high:{sign}.{digits}f}"


def churn_section(shop, database):
    """Markdown of one shop: a table of our model, the project's baselines and the peers."""
    train, customers, test, scorecard = read_backtest(database)
    churned = test["is_churned"].to_numpy(int)
    predictions = {name: test[name].to_numpy(float) for name in NAMES}
    found = {name: measure(churned, p) for name, p in predictions.items()}
    for name, scores in found.items():
        for metric, value in scores.items():
            if abs(value - scorecard.loc[name, metric]) > 1e-6:
                sys.exit(f"{shop}: {metric} of {name} is not what model_scorecard says")
    predictions |= peers(train, customers, test)
    found |= {name: measure(churned, p) for name, p in predictions.items()}
    aucs = resampled_aucs(churned, predictions)
    order = sorted(found, key=lambda name: (name != OURS, -found[name]["auc"]))
    lines = [
        f"**{SHOPS[shop]}**: {len(test):,} customers on {scorecard['test_date'].iloc[0]:%Y-%m-%d}, "
        f"{churned.mean():.1%} did not order within {HORIZON} days.",
        "",
        "| model | AUC (95 %) | the churn model's AUC is above it by (95 %) | average precision "
        "| Brier score | log loss | calibration error |",
        "|" + "---|" * 7,
    ]
    for name in order:
        scores = found[name]
        above = (
            ""
            if name == OURS
            else f"{found[OURS]['auc'] - scores['auc']:+.4f} "
            f"({interval(aucs[OURS] - aucs[name], 4, '+')})"
        )
        lines.append(
            f"| {NAMES.get(name, name)} | {scores['auc']:.4f} ({interval(aucs[name])}) | {above} "
            f"| {scores['average_precision']:.4f} | {scores['brier_score']:.4f} "
            f"| {scores['log_loss']:.4f} | {scores['calibration_error']:.4f} |"
        )
    return "\n".join([*lines, "", verdict(shop, found)])


def verdict(shop, found):
    """Name every peer that is ahead of our model, and where; then the marks, met or missed."""
    ours = found[OURS]
    sentences = []
    for name, scores in found.items():
        lost = [
            words
            for metric, (words, better) in METRICS.items()
            if better * scores[metric] > better * ours[metric]
        ]
        if lost:
            sentences.append(f"Ahead of it: {NAMES.get(name, name)} in {', '.join(lost)}.")
    text = " ".join(sentences) or "No peer is ahead of the churn model in any column."
    marks = []
    for metric, bound in MARKS.get(shop, {}).items():
        words, better = METRICS[metric]
        side = "at least" if better > 0 else "at most"
        met = "met" if better * ours[metric] >= better * bound else "**missed**"
        marks.append(f"{words} {side} {bound} ({met})")
    return text + (f" Marks: {', '.join(marks)}." if marks else "")


EXPECTED = """
with
scored as (
    select
        churn_scores.*,
        customer_snapshots.order_days,
        customer_snapshots.recency_days,
        customer_snapshots.tenure_days
    from {{ ref('churn_scores') }} as churn_scores
    inner join {{ ref('int_customer_snapshots') }} as customer_snapshots
        on churn_scores.customer_id = customer_snapshots.customer_id
        and churn_scores.snapshot_date = customer_snapshots.snapshot_date
    where churn_scores.fit = 'production'
),
expected as (
    {{ expected_orders('scored', [HORIZON]) }}
)
select
    customer_id,
    order_days,
    recency_days,
    tenure_days,
    -- As in value_scores.
    expected_orders_HORIZON * sum(mbg_orders_HORIZON) over () / sum(expected_orders_HORIZON) over ()
    * (select max(value) from {{ ref('value_parameters') }}
       where fit = 'production' and feature = 'year') as ours
from expected
order by customer_id
"""


def value_section(shop, raw, day, horizon, folder):
    """Markdown of one shop: the order days expected after a day, ours and BG/NBD's, and actual.

    The marts publish 90 and 365 days; other horizons come from the same macros.

    Parameters
    ----------
    shop, raw : str, Path
    day : Timestamp
        The shop is built as of this day.
    horizon : int
        Days that are predicted.
    folder : Path
        Holds the database of the whole shop, which knows the outcomes.
    """
    past = folder / f"{shop}_past.duckdb"
    dbt_build(raw, MAPPINGS[shop], past, ["customer_value"], as_of_date=f"{day:%Y-%m-%d}")
    query = dbt(
        "compile", raw, MAPPINGS[shop], past, "--inline", EXPECTED.replace("HORIZON", str(horizon)),
        as_of_date=f"{day:%Y-%m-%d}",
    )  # fmt: skip
    with duckdb.connect(str(past), read_only=True) as database:
        customers = database.sql(query).df()
    with duckdb.connect(str(folder / f"{shop}.duckdb"), read_only=True) as database:
        counts = database.sql(
            "select customer_id, count(*) as order_days from features.int_customer_days "
            "where order_count > 0 and activity_date between $first and $last group by 1",
            params={"first": day.date(), "last": (day + pd.Timedelta(days=horizon - 1)).date()},
        ).df()
    actual = counts.set_index("customer_id")["order_days"]
    actual = actual.reindex(customers["customer_id"]).fillna(0).to_numpy(float)
    theirs = bg_nbd(customers).conditional_expected_number_of_purchases_up_to_time(
        horizon / 7, *repeat_summary(customers)
    )
    expected = {"the value model": customers["ours"].to_numpy(), "BG/NBD": np.asarray(theirs)}
    squares = np.column_stack([(each - actual) ** 2 for each in expected.values()])
    draws = np.random.default_rng(SEED).integers(0, len(actual), (RESAMPLES, len(actual)))
    rmse = np.sqrt(squares.mean(axis=0))
    resampled = np.array([np.sqrt(squares[i].mean(axis=0)) for i in draws])
    total = {name: each.sum() / actual.sum() - 1 for name, each in expected.items()}
    above = [f"{rmse[0] - rmse[1]:+.4f} ({interval(resampled @ [1, -1], 4, '+')})", ""]
    lines = [
        f"**{SHOPS[shop]}**: {len(actual):,} customers, {actual.sum():,.0f} order days in the "
        f"{horizon} days from {day:%Y-%m-%d}.",
        "",
        "| model | RMSE | above BG/NBD (95 %) | expected | total error |",
        "|" + "---|" * 5,
    ]
    lines += [
        f"| {name} | {rmse[i]:.4f} | {above[i]} | {each.sum():,.0f} | {total[name]:+.1%} |"
        for i, (name, each) in enumerate(expected.items())
    ]
    closer = [list(expected)[rmse.argmin()], min(total, key=lambda name: abs(total[name]))]
    return "\n".join([*lines, "", f"Lower RMSE: {closer[0]}. Closer total: {closer[1]}."])


def publish(name, text):
    """Replace what stands between the comments of a name in docs/models.md."""
    page = PROJECT / "docs" / "models.md"
    begin, end = f"<!-- benchmark {name} -->", f"<!-- end of benchmark {name} -->"
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    old = page.read_text()
    if not pattern.search(old):
        sys.exit(f"docs/models.md has no lines {begin} and {end}")
    page.write_text(pattern.sub(lambda found: f"{found[1]}{text}\n{found[2]}", old))
    print(f"{text}\n", flush=True)


def main():
    """Measure every shop and rewrite its tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--online-retail-2", help="folder of online_retail_ii.parquet")
    arguments = parser.parse_args()
    threadpool_limits(limits=1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raws = {shop: folder / shop for shop in ("cdnow", "cdnow_sample")}
        for shop, raw in raws.items():
            write_cdnow(raw, sample=shop == "cdnow_sample")
        if arguments.online_retail_2:
            raws["online_retail_2"] = Path(arguments.online_retail_2).resolve()
        else:
            print("Online Retail II is skipped: name its folder, ONLINE_RETAIL_2=<folder>.")
        for shop, raw in raws.items():
            database = folder / f"{shop}.duckdb"
            dbt_build(raw, MAPPINGS[shop], database, ["model_scorecard", "churn_backtest"])
            publish(shop, churn_section(shop, database))
            publish(f"value {shop}", value_section(shop, raw, *SPLITS[shop], folder))


if __name__ == "__main__":
    main()
