"""Product recommendations: what is learnt, and lists that a simple rule does not make."""

import shutil
from datetime import date

import numpy as np
import pandas as pd
import pytest

from clientele.recommendations import ease, item_cosine, neighbours, strongest
from conftest import Shop

AS_OF_DATE = date(2024, 7, 1)


@pytest.fixture
def tastes():
    """Purchases of 300 customers: half buy mostly teas, half mostly tools; everybody buys bags."""
    random = np.random.default_rng(5)
    rows = []
    for customer in range(300):
        taste = ["tea", "tool"][customer % 2]
        for product in range(8):
            for kind in ("tea", "tool"):
                if random.random() < (0.5 if kind == taste else 0.05):
                    rows.append((f"C{customer}", f"{kind}{product}"))
        rows.append((f"C{customer}", "bag"))
    table = pd.DataFrame(rows, columns=["customer_id", "product_id"])
    return table.assign(snapshot_date=pd.Timestamp(AS_OF_DATE), recency_weight=1.0)


def learn(purchases, **options):
    settings = {"ridge": 50, "neighbour_count": 5, "settings_hash": "abcdefghij"} | options
    return neighbours(purchases, AS_OF_DATE, **settings)


def test_a_product_is_regressed_on_all_others_but_itself():
    """The closed form is the ridge regression: each column's own product is held at 0."""
    bought = (np.random.default_rng(1).random((60, 6)) < 0.4).astype(float)
    weights = ease(bought.T @ bought, ridge=7)
    for product in range(6):
        others = np.delete(bought, product, axis=1)
        expected = np.linalg.solve(others.T @ others + 7 * np.eye(5), others.T @ bought[:, product])
        assert np.delete(weights[:, product], product) == pytest.approx(expected)
        assert weights[product, product] == 0


def test_cosine_of_products_that_the_same_customers_bought_is_one():
    together = np.array([[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 2.0]])
    assert item_cosine(together).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_the_strongest_are_kept_whatever_their_sign():
    weights = np.array([[0, 0.3, 0.0], [-0.5, 0, 0.0], [0.1, 0.3, 0]])
    kept = strongest(weights, 1)
    assert kept.to_numpy().tolist() == [[0, 1, -0.5], [1, 0, 0.3]]


def test_products_of_one_taste_speak_for_each_other(tastes):
    table = learn(tastes)
    # What everybody buys tells no tastes apart.
    told = table[(table["product_id"] != "bag") & (table["neighbour_product_id"] != "bag")]
    positive = told[told["weight"] > 0]
    kinds = positive[["product_id", "neighbour_product_id"]].apply(lambda ids: ids.str[:3])
    assert (kinds["product_id"] == kinds["neighbour_product_id"]).all()
    assert len(positive) > 16
    assert set(table["model_version"]) == {"2024-07-01-abcdefgh"}


def test_the_order_of_rows_changes_nothing(tastes):
    shuffled = tastes.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(learn(tastes), learn(shuffled))


def test_a_past_date_is_learnt_from_its_own_purchases_and_compared(tastes):
    past = tastes[tastes["product_id"] != "tea0"].assign(snapshot_date=pd.Timestamp("2024-04-02"))
    table = learn(pd.concat([tastes, past]))
    groups = table.groupby(["trained_date", "model"])["product_id"].unique()
    assert sorted(groups.index) == [
        ("2024-04-02", "ease"),
        ("2024-04-02", "item_cosine"),
        ("2024-07-01", "ease"),
    ]
    assert ["tea0" in products for products in groups.sort_index()] == [False, False, True]


def test_nothing_is_learnt_from_nothing(tastes):
    table = learn(tastes.head(0))
    assert len(table) == 0
    assert table["weight"].dtype == "float64"


def test_lists_hold_what_can_be_sold_and_nothing_twice(sample):
    wrong = sample.query(
        """
        select recommendations.list, count(*)
        from sales.product_recommendations as recommendations
        left join inventory.inventory_status as stock using (product_id)
        left join (
            select distinct customer_id, product_id from core.fct_order_lines where not is_cancelled
        ) as bought using (customer_id, product_id)
        where stock.available_quantity = 0
            or (recommendations.list = 'buy_again') = (bought.product_id is null)
        group by 1
        """
    )
    assert wrong == []


def test_every_customer_is_offered_ten_new_products(sample):
    [(customers, lists)] = sample.query(
        """
        select (select count(*) from core.dim_customers), count(*)
        from (
            select customer_id from sales.product_recommendations where list = 'new_to_you'
            group by 1 having count(*) = 10 and min(rank) = 1 and max(rank) = 10
        )
        """
    )
    assert lists == customers


def test_what_is_new_is_met_better_than_by_best_sellers(sample):
    scores = dict(
        sample.query(
            """
            select model, ndcg - case model when 'recommended' then ndcg_error else -ndcg_error end
            from monitoring.recommendation_scorecard where list = 'new_to_you'
            """
        )
    )
    assert scores["recommended"] > scores["best_sellers"]


def test_lists_are_the_same_however_many_statements_make_them(sample, tmp_path):
    database = tmp_path / "shop.duckdb"
    shutil.copy(sample.database, database)
    batched = Shop(sample.raw, database)
    batched.succeed(
        "run", "--select", "new_product_scores", shop_vars={"batch_rows": 3000}, threads=1
    )
    rows = "select * from ml.new_product_scores order by all"
    assert batched.query(rows) == sample.query(rows)
    assert len(batched.query(rows)) > 3000
