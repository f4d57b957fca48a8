"""The customer segments: SQL scores as scikit-learn does, and a segment stays what it is."""

import datetime
import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler

from clientele.pipelines import segment_pipeline
from clientele.segment_names import assign
from clientele.segment_refits import refit
from clientele.segment_selection import choose, compare, explained_share
from clientele.segments import DTYPES, segmentation, train
from conftest import SAMPLE, Shop

FEATURES = [
    "log_recency",
    "log_frequency",
    "log_monetary",
    "log_order_value",
    "discount_share",
    "tenure_days",
    "category_breadth",
    "log_events",
]
ARCHETYPES = pd.read_csv(SAMPLE.parent / "seeds" / "segment_archetypes.csv")
NO_VERSIONS = pd.DataFrame(columns=list(DTYPES))
SETTINGS = {
    "feature_set": "enriched",
    "segment_count": 5,
    "random_state": 1,
    "starts": 150,
    "start_rows": 20000,
    "silhouette_rows": 3000,
    "sample_rows": 200000,
    "minimum_customers": 200,
}
DAY = datetime.date(2025, 7, 1)


def frame(shop, sql):
    """Return the result of a query; column names in lower case."""
    with duckdb.connect(str(shop.database), read_only=True) as connection:
        return connection.execute(sql).df().rename(columns=str.lower)


def customers_of(shop, day="(select as_of_date from staging.as_of_date)"):
    """Read the features of the customers of a day in the order of the sample."""
    return frame(
        shop,
        f"""
        select customer_id, {", ".join(FEATURES)} from features.int_segment_features
        where snapshot_date = {day} order by md5(customer_id)
        """,
    )


def named(customers, table):
    """Name the segment of each customer by a trained table."""
    names = table.drop_duplicates("segment_id").set_index("segment_id")["segment_name"]
    pipeline, segment_ids = segment_pipeline(table)
    numbers = pipeline.predict(customers[pipeline.feature_names_in_])
    return names.loc[np.array(segment_ids)[numbers]].to_numpy()


@pytest.fixture(scope="module")
def customers(sample):
    """Read the customers of the sample shop; tests only read them."""
    return customers_of(sample)


def test_sql_scores_as_scikit_learn_predicts(sample, customers):
    parameters = frame(sample, "select * from ml.segment_model")
    pipeline, segment_ids = segment_pipeline(parameters)
    scored = frame(sample, "select * from customers.customer_segments").set_index("customer_id")
    scored = scored.loc[customers["customer_id"]]
    values = customers[pipeline.feature_names_in_]
    assert (scored["segment_id"] == np.array(segment_ids)[pipeline.predict(values)]).all()
    nearest = pipeline.transform(values).min(axis=1)
    assert np.abs(scored["distance"] - nearest).max() < 1e-9
    # The stored parameters are those of the fit itself, not of the pipeline rebuilt from them.
    fitted = segmentation(customers[FEATURES], 5, 1, 150, 20000)
    assert (
        np.abs(scored["distance"] - fitted.transform(customers[FEATURES]).min(axis=1)).max() < 1e-9
    )
    assert parameters["inertia"].iloc[0] == pytest.approx((nearest**2).sum(), abs=1e-6)


def test_another_random_state_keeps_97_percent_of_the_names(customers):
    sample = customers[FEATURES]
    first = train(sample, ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **SETTINGS)
    for random_state in (2, 3, 4):
        settings = SETTINGS | {"random_state": random_state}
        other = train(sample, ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **settings)
        assert other["model_version"].iloc[0] != first["model_version"].iloc[0]
        assert (named(customers, first) == named(customers, other)).mean() >= 0.97


def test_a_retrain_a_month_later_keeps_ids_and_names(sample, tmp_path):
    shop = Shop(SAMPLE, tmp_path / "retrained.duckdb")
    # The database of the sample, as it stood a month earlier: its version is trained on that day.
    shutil.copy(sample.database, shop.database)
    month_before = {"as_of_date": "2025-06-01"}
    models = ["run", "--select", "+customer_segments", "+segment_drift"]
    with duckdb.connect(str(shop.database)) as connection:
        connection.execute("delete from ml.segment_model")
    assert shop.dbt(*models, shop_vars=month_before).returncode == 0
    # New customers have ordered since; nothing is trained, everyone is scored.
    scoring = shop.dbt(*models, "--exclude", "tag:train")
    assert scoring.returncode == 0, scoring.stdout[-3000:]
    query = "select customer_id, segment_id, model_version from customers.customer_segments"
    by_old = frame(shop, query).set_index("customer_id")
    assert by_old["model_version"].unique().tolist() == [by_old["model_version"].iloc[0]]
    assert by_old["model_version"].iloc[0].startswith("2025-06-01-")
    newcomers = shop.query(
        """
        select count(*) from features.int_customer_snapshots
        where snapshot_date = date '2025-07-01' and tenure_days <= 30
        """
    )
    assert newcomers[0][0] > 10
    assert by_old["segment_id"].notna().all()
    assert len(by_old) == sample.query("select count(*) from customers.customer_rfm")[0][0]
    # The month's training.
    trained = shop.dbt("run", "--select", "segment_model+", "--exclude", "customer_360+")
    assert trained.returncode == 0, trained.stdout[-3000:]
    by_new = frame(shop, query).set_index("customer_id").loc[by_old.index]
    assert by_new["model_version"].iloc[0].startswith("2025-07-01-")
    versions = shop.query(
        """
        select segment_id, count(distinct segment_name), count(distinct model_version),
            min(previous_share) from ml.segment_model group by 1
        """
    )
    assert len(versions) == 5
    assert all(row[1:3] == (1, 2) and 0.8 < row[3] <= 1 for row in versions)
    assert (by_old["segment_id"] == by_new["segment_id"]).mean() >= 0.9
    published = shop.query(
        "select snapshot_date, adjusted_rand_index from monitoring.segment_drift order by 1"
    )
    assert published[-1] == (datetime.date(2025, 7, 1), 1.0)
    assert 0.8 < published[-2][1] < 1
    # Matching does the work: the same training without a history numbers and names afresh.
    assert (
        shop.query("select count(*) from ml.segment_model where previous_version is null")[0][0]
        == 40
    )


def test_no_name_is_given_that_would_be_untrue():
    # An old wholesaler: its least tenured customers, nearest to New, came more than a year ago.
    draw = np.random.default_rng(4)
    rows = 400
    young = draw.random(rows) < 0.3
    sample = pd.DataFrame(
        {
            "log_recency": np.log1p(draw.integers(1, 20, rows)),
            "log_frequency": np.where(young, 1.0, 3.0) + draw.normal(0, 0.1, rows),
            "log_monetary": np.where(young, 4.0, 7.0) + draw.normal(0, 0.1, rows),
            "log_order_value": 3.0 + draw.normal(0, 0.1, rows),
            "discount_share": 0.0,
            "tenure_days": np.where(young, 420, 1500) + draw.integers(0, 30, rows),
            "category_breadth": np.where(young, 2, 6),
            "log_events": 0.0,
        }
    )
    names = {}
    for years in (0, -400):
        shop = sample.assign(tenure_days=sample["tenure_days"] + years)
        settings = SETTINGS | {"segment_count": 2, "starts": 10}
        names[years] = set(
            train(shop, ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **settings)["segment_name"]
        )
    assert "New" in names[-400] and "New" not in names[0]


def test_shuffled_centroids_keep_their_identity(customers):
    sample = customers[FEATURES]
    first = train(sample, ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **SETTINGS)
    # As if an earlier version had other ids, and names that no archetype would give them.
    names = dict(
        zip(
            sorted(first["segment_id"].unique()),
            ["Explorer", "Big-Basket", "Occasional"],
            strict=False,
        )
    )
    renamed = {"S01": "S07", "S02": "S03", "S03": "S09", "S04": "S01", "S05": "S04"}
    earlier = first.assign(
        model_version="earlier",
        as_of_date=datetime.date(2025, 6, 1),
        segment_name=first["segment_id"].map(names).fillna(first["segment_name"]),
        segment_id=first["segment_id"].map(renamed),
    )
    again = train(sample, ARCHETYPES, earlier, as_of_date=DAY, **SETTINGS)
    old = earlier.set_index(["segment_id", "feature"])
    new = again.set_index(["segment_id", "feature"]).loc[old.index]
    assert np.abs(new["centroid"].to_numpy() - old["centroid"].to_numpy()).max() < 1e-9
    assert new["segment_name"].tolist() == old["segment_name"].tolist()
    assert set(again["previous_version"]) == {"earlier"}
    # Told apart by fewer features, most customers are where they were, so names stay.
    simpler = train(
        sample, ARCHETYPES, earlier, as_of_date=DAY, **SETTINGS | {"feature_set": "rfm"}
    )
    assert set(simpler["segment_id"]) == set(renamed.values())
    shares = simpler.groupby("segment_id")["previous_share"].first()
    assert shares.min() > 0 and (shares > 0.5).sum() >= 4
    assert set(simpler.loc[simpler["is_clustered"], "feature"]) == set(FEATURES[:3])
    # One more segment gets an id that was never used, and a name that is free.
    more = train(sample, ARCHETYPES, earlier, as_of_date=DAY, **SETTINGS | {"segment_count": 6})
    assert set(more["segment_id"]) == set(renamed.values()) | {"S10"}
    assert more.groupby("segment_id")["segment_name"].first().is_unique


def test_a_later_version_and_the_version_itself_are_no_history(customers):
    sample = customers[FEATURES]
    first = train(sample, ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **SETTINGS)
    later = first.assign(model_version="later", as_of_date=DAY + datetime.timedelta(days=1))
    again = train(sample, ARCHETYPES, pd.concat([first, later]), as_of_date=DAY, **SETTINGS)
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_more_segments_than_customers(customers, rows):
    table = train(customers[FEATURES][:rows], ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **SETTINGS)
    assert table["training_rows"].unique().tolist() == [rows]
    assert table["segment_id"].nunique() == rows
    assert table["model_status"].unique().tolist() == ["fewer_segments" if rows else "no_customers"]
    assert table["status_reason"].notna().all()
    assert table.dtypes.astype(str).to_dict() == DTYPES
    few = customers[:rows].assign(
        snapshot_date=DAY, sample_number=range(rows), value_next_90=np.nan
    )
    again = refit(few, table.dropna(subset=["segment_id"]))
    pd.testing.assert_series_equal(
        again.set_index(["segment_id", "feature"])["centroid"].sort_index(),
        table.dropna(subset="segment_id")
        .set_index(["segment_id", "feature"])["centroid"]
        .sort_index(),
        check_index_type=False,
    )
    measured = compare(
        few,
        as_of_date=DAY,
        feature_set="auto",
        segment_count=5,
        counts=range(2, 11),
        random_state=1,
        starts=2,
        silhouette_rows=100,
    )
    assert measured["inertia"].notna().sum() == (2 if rows == 3 else 0)
    assert measured.loc[measured["is_chosen"], "feature_set"].unique().tolist() == ["rfm"]


def test_features_without_variation_have_no_effect(customers):
    constant = customers[FEATURES].assign(log_events=0.0, discount_share=0.25)
    table = train(constant, ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **SETTINGS)
    flat = table[table["feature"].isin(["log_events", "discount_share"])]
    assert (flat["scale"] == 1).all() and (flat["centroid"].abs() < 1e-9).all()
    assert "without effect: discount_share, log_events." in table["status_reason"].iloc[0]
    alike = train(
        pd.concat([constant[:1]] * 50), ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **SETTINGS
    )
    assert alike["model_status"].unique().tolist() == ["fewer_segments"]
    assert alike["segment_rows"].unique().tolist() == [50]


def test_settings_that_cannot_be_met_are_refused(customers):
    with pytest.raises(ValueError, match="segment_count is 11"):
        settings = SETTINGS | {"segment_count": 11}
        train(customers[FEATURES], ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **settings)
    with pytest.raises(ValueError, match="segment_feature_set is all"):
        settings = SETTINGS | {"feature_set": "all"}
        train(customers[FEATURES], ARCHETYPES, NO_VERSIONS, as_of_date=DAY, **settings)
    with pytest.raises(ValueError, match="no column log_events"):
        train(
            customers[FEATURES],
            ARCHETYPES.drop(columns="log_events"),
            NO_VERSIONS,
            as_of_date=DAY,
            **SETTINGS,
        )


def test_a_shop_without_events_and_with_few_customers_says_so(make_shop):
    shop = make_shop(files=["customers.json", "products.parquet", "inventory.csv"])
    duckdb.sql(
        f"""
        copy (
            select * from read_csv('{SAMPLE}/orders.csv', all_varchar = true)
            where upper(trim(customer_id)) in ('C000007', 'C000001', 'C000002')
        ) to '{shop.raw}/orders.csv' (header)
        """
    )
    kinds = [part for kind in ("seed", "model", "snapshot") for part in ("--resource-type", kind)]
    built = shop.dbt("build", "--select", "+customer_segments", "+segment_drift", *kinds)
    assert built.returncode == 0, built.stdout[-3000:]
    rows = shop.query(
        "select segment_id, segment_status, status_reason from customers.customer_segments"
    )
    assert 1 <= len(rows) <= 3
    for _, status, reason in rows:
        assert status == "fewer_segments"
        assert "fewer than 200" in reason and "log_events" in reason
    assert len({row[0] for row in rows}) == len(rows)


def test_drift_is_the_adjusted_rand_index(sample):
    drift = frame(sample, "select * from monitoring.segment_drift order by snapshot_date")
    stored = frame(sample, "select * from ml.segment_parameters")
    refits = frame(sample, "select * from ml.segment_refits")
    now = customers_of(sample)
    model, _ = segment_pipeline(stored)
    features = model.feature_names_in_
    today = dict(zip(now["customer_id"], model.predict(now[features]), strict=True))
    for _, month in drift.iloc[[0, 6, -1]].iterrows():
        day = f"{month['snapshot_date']:%Y-%m-%d}"
        then = customers_of(sample, f"date '{day}'")
        values = then[features]
        labels = model.predict(values)
        again = segment_pipeline(refits[refits["snapshot_date"] == day])[0].predict(values)
        still = [today[customer] for customer in then["customer_id"]]
        assert month["adjusted_rand_index"] == pytest.approx(
            adjusted_rand_score(labels, again), abs=1e-12
        )
        assert month["customer_rand_index"] == pytest.approx(
            adjusted_rand_score(labels, still), abs=1e-12
        )
        assert month["changed_share"] == pytest.approx((labels != still).mean(), abs=1e-12)
    assert (drift["retrain_recommended"] == (drift["adjusted_rand_index"] < 0.8)).all()


@pytest.mark.parametrize("feature_set", ["rfm", "enriched"])
def test_selection_is_measured_as_scikit_learn_does(sample, customers, feature_set):
    published = frame(sample, "select * from monitoring.segment_model_selection")
    of_set = published[published["feature_set"] == feature_set].set_index("segment_count")
    assert sorted(of_set.index) == list(range(2, 11))
    clustered = FEATURES[:3] if feature_set == "rfm" else FEATURES
    values = StandardScaler().fit_transform(customers[clustered])
    labels = KMeans(3, n_init=20, random_state=1, max_iter=2000).fit_predict(values)
    assert of_set.loc[3, "silhouette"] == pytest.approx(
        silhouette_score(values[:3000], labels[:3000]), abs=5e-3
    )
    assert of_set.sort_index()["inertia"].is_monotonic_decreasing


def test_the_segments_in_use_are_those_that_explained_more(sample):
    published = frame(sample, "select * from monitoring.segment_model_selection")
    five = published[published["segment_count"] == 5].set_index("feature_set")
    assert (five["explained_dates"] == 6).all()
    used = published.loc[published["is_in_use"], ["feature_set", "segment_count"]].to_numpy()
    assert used.tolist() == [[five["explained_share"].idxmax(), 5]]


def test_a_feature_set_must_earn_its_place():
    # Both measured on the same dates: a gain within its own noise is none, and stability decides.
    even = {"rfm": [0.30, 0.31, 0.29, 0.30], "enriched": [0.31, 0.29, 0.31, 0.29]}
    more = {"rfm": even["rfm"], "enriched": [0.33, 0.33, 0.33, 0.32]}
    alike = {"rfm": 0.9, "enriched": 0.9}
    assert choose(even, alike) == "rfm"
    assert choose(even, alike | {"enriched": 0.95}) == "enriched"
    assert choose(more, alike | {"enriched": 0.1}) == "enriched"
    assert choose({name: shares[:2] for name, shares in more.items()}, alike) == "rfm"


def test_a_set_in_which_customers_hardly_differ_explains_nothing():
    # Subscribers billed on one day: recency, orders and money are the same for all, tenure is not.
    draw = np.random.default_rng(5)
    rows = 60
    months = [
        pd.DataFrame(
            dict.fromkeys(FEATURES, 1.0)
            | {
                "customer_id": [f"C{place:03d}" for place in range(rows)],
                "tenure_days": draw.integers(1, 900, rows).astype("float64"),
                "snapshot_date": day,
                "sample_number": range(1, rows + 1),
                "value_next_90": np.nan if day == DAY else draw.gamma(2, 20, rows),
            }
        )
        for day in [datetime.date(2025, month, 1) for month in (1, 2, 3)] + [DAY]
    ]
    measured = compare(
        pd.concat(months, ignore_index=True),
        as_of_date=DAY,
        feature_set="auto",
        segment_count=5,
        counts=range(2, 11),
        random_state=1,
        starts=2,
        silhouette_rows=100,
    )
    five = measured[measured["segment_count"] == 5].set_index("feature_set")
    assert (five["explained_dates"] == 3).all()
    assert five.loc["rfm", "explained_share"] == pytest.approx(0, abs=1e-12)
    assert five.loc["enriched", "explained_share"] > 0.01
    assert five["is_chosen"].to_dict() == {"rfm": False, "enriched": True}


def test_explained_share_is_that_of_a_regression_on_the_segments():
    draw = np.random.default_rng(3)
    labels, revenue = draw.integers(0, 4, 500), np.exp(draw.normal(2, 1, 500))
    revenue[:200] = 0
    dummies = pd.get_dummies(labels).to_numpy(dtype="float64")
    fitted = LinearRegression().fit(dummies, np.log1p(revenue))
    expected = fitted.score(dummies, np.log1p(revenue))
    assert explained_share(labels, revenue) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(explained_share(labels, np.zeros(500)))


def test_points_are_paired_at_the_least_total_distance():
    left, right = np.array([[0.0], [1.0]]), np.array([[0.9], [9.0], [-1.0]])
    # Nearest first would pair 1.0 with 0.9 and leave the same; from 0.0's side it may not take 0.9.
    assert assign(left, right) == {0: 2, 1: 0}
    assert assign(left[:0], right) == {}


def test_the_sample_has_the_segments_whose_names_tests_of_data_rest_on(sample):
    """champions_buy_again and high_value_customers_are_worth_more look at nobody without them."""
    scored = dict(
        sample.query(
            """
            select rfm_segment, count(*) from features.int_customer_snapshots
            inner join staging.rfm_segments using (r_score, f_score, m_score)
            where snapshot_date = (select as_of_date - 90 from staging.as_of_date) group by 1
            """
        )
    )
    for name in ("Champions", "Lost"):
        assert scored.get(name, 0) >= 30, f"champions_buy_again compares no {name} of the sample"
    named = {name for (name,) in sample.query("select segment_name from customers.customer_360")}
    for name in ("High-Value", "New", "Dormant"):
        assert name in named, f"high_value_customers_are_worth_more sees no {name} of the sample"
