"""The modules that train, one by one, on data small enough to know the answer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from clientele.baselines import silent_rule
from clientele.choice import GRID, ORIGINS, Origin, choose
from clientele.churn import origins_of
from clientele.churn_fit import Settings, TooLittleDataError, check, labelled_before
from clientele.frames import typed_table, use_one_thread, written
from clientele.levels import DAY, LEVEL_RULES, Levels
from clientele.logit import date_dummies, ridge_coefficients
from clientele.mbg_nbd import mbg_features
from clientele.measures import brier_skill, calibration_error, log_loss
from clientele.pipelines import TreeSum, scaled_terms
from clientele.scaling import Scaler, term_rows, transformed
from clientele.trees import Trees, tree_values

# As the models do: two threads for small sums cost more than they bring.
use_one_thread()

TERMS = [("money", "signed_log", "value"), ("visits", "identity", "browsing")]
SETTINGS = Settings(
    features={
        "value": {"signed_log": ["money"]},
        "browsing": {"identity": ["visits"]},
        "habit": {"signed_log": ["recency_days", "order_days", "monetary"]},
    },
    horizon=30,
    minimum_customers=20,
    minimum_snapshots=2,
    seed=1,
)


@pytest.fixture
def customers():
    """Return customers who leave the more often the less they spend; not all have known visits."""
    draw = np.random.default_rng(7)
    money = draw.normal(0, 50, 400)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(400)],
            "money": money,
            "visits": np.where(np.arange(400) % 3 == 0, np.nan, draw.integers(0, 9, 400)),
            "is_churned": draw.random(400) < 1 / (1 + np.exp(money / 20)),
        }
    )


def test_tables_have_their_types_even_without_a_value():
    kinds = {"name": "str", "size": "float", "count": "int", "day": "date"}
    table = typed_table([{"name": None}], kinds)
    types = ["string", "float64", "Int64", "datetime64[us]"]
    assert table.dtypes.astype(str).tolist() == types
    assert table["name"].tolist() == [""]
    assert typed_table([], kinds).dtypes.astype(str).tolist() == types
    assert written(table).columns.tolist() == ["NAME", "SIZE", "COUNT", "DAY"]


def test_features_are_filled_standardised_and_clipped():
    frame = pd.DataFrame({"money": [np.e - 1, 1 - np.e, None], "visits": [2.0, 4.0, 1e9]})
    values = transformed(frame, TERMS)
    assert values[:2, 0].tolist() == pytest.approx([1, -1]) and np.isnan(values[2, 0])
    scaler = Scaler.fit(values[[0, 1, 2, 2]], np.array([1.0, 1.0, 1.0, 1.0]))
    assert scaler.fill[0] == 0 and scaler.missing.tolist() == [True, False]
    matrix = scaler.transform(values)
    # The unknown one has the mean, and an indicator in a column of its own.
    assert matrix[2, 0] == 0 and matrix[2, 2] == pytest.approx(1) and matrix[0, 2] < 0
    assert scaler.transform(np.array([[1e9, 3.0]]))[0, 0] == 6
    constant = Scaler.fit(np.full((3, 1), 5.0), np.ones(3))
    assert constant.transform(np.array([[7.0]])).tolist() == [[0.0]]


def test_parameter_rows_give_back_the_scaler(customers):
    values = transformed(customers, TERMS)
    scaler = Scaler.fit(values, np.ones(len(customers)))
    rows = pd.DataFrame(term_rows(TERMS, scaler, np.array([1.0, 2.0, 3.0])))
    terms, rebuilt, coefficients = scaled_terms(rows.sample(frac=1, random_state=2))
    assert terms == TERMS and coefficients.tolist() == [1, 2, 3]
    assert (rebuilt.transform(values) == scaler.transform(values)).all()


def test_trees_add_up_from_their_rows(customers):
    churned = customers["is_churned"].to_numpy(float)
    trees = Trees.fit(customers, TERMS, churned, np.ones(len(customers)), seed=1)
    rows, offset = trees.rows()
    assert trees.margins(customers).std() > 0.5
    nodes = pd.DataFrame(rows).reindex(columns=["tree", "node", "feature", "threshold", "value"])
    rebuilt = TreeSum(nodes.fillna({"feature": ""}), ["money", "visits"], offset).fit()
    odds = rebuilt.decision_function(tree_values(customers, TERMS))
    assert np.abs(odds - trees.margins(customers)).max() < 1e-9


def test_slopes_are_learnt_within_dates():
    # On the second date everybody churns more often, and has more of the feature.
    draw = np.random.default_rng(3)
    dates = np.repeat([0, 1], 2000)
    feature = draw.normal(0, 1, 4000) + 3 * dates
    churned = (draw.random(4000) < np.where(dates, 0.8, 0.2)).astype(float)
    matrix, ones = feature[:, None], np.ones(4000)
    within = ridge_coefficients(matrix, date_dummies(dates), churned, ones, 1.0, np.ones(1))
    across = ridge_coefficients(matrix, np.zeros((4000, 0)), churned, ones, 1.0, np.ones(1))
    assert abs(within[0]) < 0.1 < 0.5 < across[0]


def test_levels_bring_each_date_to_its_rate():
    dates = np.repeat(pd.to_datetime(["2024-01-01", "2024-02-01"]).to_numpy(), 100)
    margins = np.tile(np.linspace(-2, 2, 100), 2)
    churned = np.concatenate([np.arange(100) < 30, np.arange(100) < 80]).astype(float)
    levels = Levels.fit(margins, churned, dates, np.full(200, 400))
    for level, rate in zip(levels.values, (0.3, 0.8), strict=True):
        assert (1 / (1 + np.exp(-(margins[:100] + level)))).mean() == pytest.approx(rate)
    # Nobody churned: no finite level would do.
    none = Levels.fit(margins[:100], np.zeros(100), dates[:100], np.full(100, 400))
    assert none.values.tolist() == [-10]


def test_the_silent_rule_is_the_best_by_auc(customers):
    draw = np.random.default_rng(5)
    rows = customers.assign(recency_days=draw.integers(1, 400, 400))
    rows["is_churned"] = draw.random(400) < np.where(rows["recency_days"] > 140, 0.7, 0.3)
    limit, below, above = silent_rule(rows)
    by_hand = {
        days: roc_auc_score(rows["is_churned"], rows["recency_days"] > days)
        for days in range(10, 331, 5)
    }
    assert by_hand[limit] == pytest.approx(max(by_hand.values()))
    assert 0.2 < below < 0.4 < 0.6 < above < 0.8


def test_measures_of_probabilities():
    churned, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 1.0, 0.0])
    assert log_loss(churned, p) == pytest.approx(np.log(2) / 2, abs=1e-5)
    assert calibration_error(churned, p, bins=1) == 0
    # Whichever of the two at 0.5 left, half of them did.
    assert calibration_error(1 - churned, p, bins=4) == pytest.approx(0.5)
    assert calibration_error(1 - churned, p[::-1], bins=4) == pytest.approx(0)
    draw = np.random.default_rng(3)
    p = draw.choice([0.2, 0.4, 0.8], 300)
    churned, order = (draw.random(300) < 0.5).astype(float), draw.permutation(300)
    assert calibration_error(churned[order], p[order]) == pytest.approx(
        calibration_error(churned, p)
    )


def test_a_customer_just_seen_is_alive_and_one_long_gone_is_not():
    frame = pd.DataFrame(
        {"order_days": [20, 20], "recency_days": [1, 400], "tenure_days": [500, 500]}
    )
    found = mbg_features(frame, {"r": 1.0, "alpha": 30.0, "a": 0.5, "b": 3.0}, 30)
    assert found["mbg_alive"][0] > 0 > found["mbg_alive"][1]
    assert found["mbg_no_order"][0] < found["mbg_no_order"][1]
    assert found["mbg_orders"][0] > found["mbg_orders"][1]


def monthly(customers, months):
    """Return the customers every 30 days, as rows of the training sample; chance is drawn anew."""
    frames = [
        customers.assign(
            snapshot_date=day,
            history_days=100 + 30 * place,
            order_days=1 + place,
            recency_days=5,
            frequency=1 + place,
            monetary=10.0,
            rfm_score_sum=9,
            tenure_days=10 + 30 * place,
            is_churned=np.random.default_rng(place).random(len(customers))
            < 1 / (1 + np.exp(customers["money"] / 20)),
        )
        for place, day in enumerate(pd.date_range("2024-01-01", periods=months, freq="30D"))
    ]
    return pd.concat(frames, ignore_index=True)


def test_nothing_is_learnt_from_what_was_not_known(customers):
    rows = monthly(customers, 4)
    day = rows["snapshot_date"].max()
    known = labelled_before(rows, day, SETTINGS.horizon)
    assert known["snapshot_date"].max() == day - 30 * DAY
    with pytest.raises(TooLittleDataError, match="1 past snapshot dates"):
        check(labelled_before(rows, day - 60 * DAY, SETTINGS.horizon), SETTINGS)
    check(known, SETTINGS)


def test_the_choice_knows_no_later_outcome(customers):
    rows = monthly(customers, 5)
    day = rows["snapshot_date"].max()

    def chosen_on(frame):
        return choose(origins_of(frame, [day], SETTINGS), day, SETTINGS.horizon)

    chosen = chosen_on(rows)
    assert chosen.metrics["origins"] >= 1
    turned = [rows.assign(is_churned=rows["is_churned"] ^ (rows["snapshot_date"] > day - ago * DAY))
              for ago in (30, 31)]  # fmt: skip
    # What was not over on the day changes nothing; what was over does.
    assert chosen_on(turned[0]) == chosen
    assert chosen_on(turned[1]) != chosen


def told(better=0.0):
    """Past dates on which the ridge logit is right, and better than R, F and M."""
    draw = np.random.default_rng(4)
    found = []
    for place in range(ORIGINS):
        odds = draw.normal(0, 2, 3000)
        churned = (draw.random(3000) < 1 / (1 + np.exp(-odds))).astype(float)
        rfm = odds + draw.normal(0, better, 3000)
        said = {"constant": np.zeros(3000), "rfm_logit": rfm, "trees": rfm}
        said |= {setting: odds for setting in GRID}
        log_odds = {(setting, rule): of for setting, of in said.items() for rule in LEVEL_RULES}
        date = pd.Timestamp("2024-01-01") + 30 * place * DAY
        found.append(Origin(date, churned, log_odds, {"constant": np.full(3000, 0.5)}))
    return found


@pytest.mark.parametrize(("better", "setting"), [(0.0, "rfm_logit"), (0.3, (0.001, 10.0))])
def test_the_simpler_form_stays_unless_it_is_behind(better, setting):
    choice = choose(told(better=better), pd.Timestamp("2025-01-01"), 30)
    assert choice.setting == setting
    assert choice.skills["churn"][1] > 0.2 and choice.skills["constant"] == (0, 0, 0)


def test_what_chance_could_have_told_is_no_skill():
    origins = told()
    draw = np.random.default_rng(5)
    guessed = [
        replace(origin, churned=(draw.random(3000) < 0.5).astype(float)) for origin in origins
    ]
    choice = choose(guessed, pd.Timestamp("2025-01-01"), 30)
    assert choice.setting == "constant"


def test_skill_is_what_the_constant_leaves():
    dates = [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-04-01")]
    right, wrong = np.zeros(100), np.ones(100)
    assert brier_skill(dates, [right, right], [wrong, wrong], 30) == (1, 1, 1)
    mean, low, high = brier_skill(dates, [right, wrong], [wrong, wrong], 30)
    assert (mean, high - mean) == (0.5, pytest.approx(mean - low))
    # The spread of 1 and 0 over the root of two dates, twice.
    assert mean - low == pytest.approx(2 * np.sqrt(0.5) / np.sqrt(2))
