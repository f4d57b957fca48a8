"""The API: the marts' numbers, by id, features or orders; refused what is wrong; nothing lost."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from itertools import product

import duckdb
import pandas as pd
import pytest
import schemathesis
import yaml
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from clientele.pipelines import TreeSum
from clientele.trees import tree_values
from conftest import PROJECT
from integrations.api.app import create_app
from integrations.api.history import Day
from integrations.api.scoring import Model
from integrations.api.shop import ANSWERS, TABLES, NotBuilt, Shop, project_settings
from integrations.api.store import PredictionStore

KEY = {"X-API-Key": "correct horse"}
HASH = hashlib.sha256(b"correct horse").hexdigest()


@pytest.fixture(scope="module")
def shop(sample, tmp_path_factory):
    """Copy the sample's build to a name of its own."""
    database = tmp_path_factory.mktemp("api") / "shop.duckdb"
    shutil.copy(sample.database, database)
    return Shop(database, project_settings())


@pytest.fixture(scope="module")
def client(shop, tmp_path_factory):
    store = PredictionStore(tmp_path_factory.mktemp("store") / "predictions.duckdb")
    app = create_app(shop, store, HASH)
    with TestClient(app, headers=KEY) as client:
        client.store = store
        yield client


@pytest.fixture(scope="module")
def answers(shop):
    """Read what the marts say of every customer with an order."""
    rows = shop.query(
        f"""
        {ANSWERS}
        where exists (
            select 1 from features.int_customer_snapshots as snapshots
            where snapshots.customer_id = customer_churn.customer_id
                and snapshots.snapshot_date = customer_churn.as_of_date
        )
        """
    )
    assert len(rows) > 1500
    return {row["customer_id"]: row for row in rows}


@pytest.fixture(scope="module")
def stored(shop):
    """Features of every customer on the day that was built."""
    rows = shop.query(
        """
        select * from features.int_customer_snapshots
        where snapshot_date = (select as_of_date from staging.as_of_date)
        """
    )
    return {row["customer_id"]: row for row in rows}


def assert_same(answer, mart):
    assert answer.keys() == mart.keys()
    for column, value in mart.items():
        if isinstance(value, float):
            value = pytest.approx(value, rel=1e-9, abs=1e-9)
        assert answer[column] == value, (mart["customer_id"], column)


def test_every_customer_scores_as_in_the_marts(shop, answers, stored):
    """All together, and one alone: who is asked about beside them makes no difference."""
    model = shop.newest().model
    together = model.score(list(stored.values()))
    for answer, (customer_id, features) in zip(together, stored.items(), strict=True):
        # What to do is resolved in the marts alone.
        mart = answers[customer_id] | {"recommended_action": None}
        assert_same({"customer_id": customer_id} | answer, mart)
        (alone,) = model.score([features])
        assert_same({"customer_id": customer_id} | alone, mart)


def test_the_advice_on_a_known_customer_is_that_of_the_marts(client, shop):
    """The one answer of customer_360, which the segment's contradicts for whoever may leave."""
    rows = shop.query(
        "select customer_id, recommended_action from customers.customer_360"
        " where risk_band = 'high' order by customer_id limit 50"
    )
    told = client.post(
        "/predict/batch", json={"customers": [{"customer_id": r["customer_id"]} for r in rows]}
    ).json()
    assert [answer["recommended_action"] for answer in told] == [
        row["recommended_action"] for row in rows
    ]


def test_every_history_gives_the_features_of_the_marts(shop, stored):
    """Every feature that the churn model may read but those that it makes itself, mbg_."""
    models = yaml.safe_load((PROJECT / "models/ml/churn/_churn__models.yml").read_text())["models"]
    groups = next(model for model in models if model["name"] == "churn_model")["config"]["meta"]
    read = {
        name
        for transforms in groups["features"].values()
        for names in transforms.values()
        for name in names
        if not name.startswith("mbg_")
    }
    assert len(read) > 30
    build = shop.newest()
    days = defaultdict(list)
    for row in shop.query("select * from features.int_customer_days"):
        if row["activity_date"] < build.as_of_date:
            for money in ("revenue", "discount", "refund"):
                row[money] = int(row[money] * 100)
            days[row["customer_id"]].append(Day(*[row[name] for name in Day._fields]))
    for customer_id, features in stored.items():
        told = build.features_of(days[customer_id])
        assert read <= told.keys(), read - told.keys()
        for name, value in told.items():
            expected = features[name]
            assert (value is None) == (expected is None), (customer_id, name)
            if value is not None:
                assert value == pytest.approx(float(expected), rel=1e-9, abs=1e-9), name


def test_trees_score_as_the_pipeline_of_the_same_nodes(shop, stored):
    """The sample's form is a sum; other shops have trees."""
    build = shop.newest()
    nodes = pd.DataFrame(
        [
            ("recency_days", "silence", 0, 1, 40.0, 0.0),
            ("", "", 0, 2, None, -0.5),
            ("mean_gap", "rhythm", 0, 3, 30.0, 0.25),
            ("", "", 0, 6, None, 0.1),
            ("", "", 0, 7, None, -0.2),
            ("", "", 1, 1, None, 0.0),
        ],
        columns=["feature", "feature_group", "tree", "node", "threshold", "value"],
    )
    with duckdb.connect(str(shop.database), read_only=True) as connection:
        tables = {name: connection.execute(sql).df() for name, sql in TABLES.items()}
    sums = tables["churn_parameters"]
    tables["churn_parameters"] = pd.concat([
        sums[sums["parameter_type"] != "term"],
        nodes.assign(parameter_type="node").reindex(columns=sums.columns).astype(sums.dtypes),
    ])  # fmt: skip
    model = Model(tables, project_settings(), build.as_of_date)
    rows = list(stored.values())
    features = ["mean_gap", "recency_days"]
    trees = TreeSum(nodes, features, model.level).fit()
    values = tree_values(pd.DataFrame(rows), [(name, "identity", "") for name in features])
    for answer, row, chance in zip(
        model.score(rows), rows, trees.predict_proba(values)[:, 1], strict=True
    ):
        if row["is_eligible"]:
            assert answer["churn_probability"] == pytest.approx(chance, abs=1e-12)


def test_known_customers_are_answered_from_the_marts_and_kept(client, answers):
    known = sorted(answers.values(), key=lambda row: row["customer_id"])[:3]
    body = {"customers": [{"customer_id": row["customer_id"]} for row in known]}
    told = client.post("/predict/batch", json=body).json()
    told.append(client.post("/predict", json=body["customers"][0]).json())
    for answer, mart in zip(told, [*known, known[0]], strict=True):
        dates = {name: str(mart[name]) for name in ("as_of_date", "next_order_date") if mart[name]}
        assert_same(answer, mart | dates)
    kept = client.store.connection.execute(
        "select customer_id from predictions order by predicted_at desc, customer_id limit 4"
    ).fetchall()
    assert kept == [(row["customer_id"],) for row in [known[0], *known]]


def test_predictions_of_who_asks_to_be_forgotten_are_erased(client):
    lately = [{"order_date": "2025-05-20", "revenue": 50}]
    for name in ("GOES", "STAYS"):
        client.post("/predict", json={"customer_id": name, "orders": lately})
    assert client.delete("/predictions/GOES").json() == {"erased": 1}
    assert client.delete("/predictions/GOES").json() == {"erased": 0}
    kept = "select count(*) from predictions where customer_id = ?"
    for name, count in (("GOES", 0), ("STAYS", 1)):
        assert client.store.connection.execute(kept, [name]).fetchall() == [(count,)]


def test_what_was_kept_is_given_as_lines_of_json(client, shop):
    """Each line as it was answered, strangers without an id."""
    lately = [{"order_date": "2025-05-20", "revenue": 50}]
    named = client.post("/predict", json={"customer_id": 'B"1\n', "orders": lately}).json()
    client.post("/predict", json={"orders": lately})
    response = client.get("/predictions")
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    ((count,),) = client.store.connection.execute("select count(*) from predictions").fetchall()
    assert len(lines) == count
    stranger, known = sorted(lines[-2:], key=lambda line: line["customer_id"] or "")
    assert stranger.pop("predicted_at").endswith("Z")
    names = ["churn_probability", "score_status", "model_version", "as_of_date"]
    assert stranger == {name: named[name] for name in names} | {"customer_id": None}
    assert known["customer_id"] == 'B"1\n'
    # The raw table's columns, no more and no less.
    contract = yaml.safe_load((PROJECT / "models/staging/shop/_shop__sources.yml").read_text())
    (table,) = (t for t in contract["sources"][0]["tables"] if t["name"] == "api_predictions")
    columns = {column["name"] for column in table["columns"]} - {"landing_rule", "landing_record"}
    assert known.keys() == columns


def test_orders_of_a_stranger_are_scored(client):
    lately = [{"order_date": f"2025-0{month}-20", "revenue": 50} for month in (2, 3, 4, 5, 6)]
    long_ago = [order | {"order_date": "2024-08-01"} for order in lately]
    stays, leaves = (client.post("/predict", json={"orders": o}).json() for o in (lately, long_ago))
    assert stays["churn_probability"] < leaves["churn_probability"]
    assert stays["segment_name"] and stays["reasons"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 422, "give a customer_id, features or orders"),
        ({"customer_id": "NOBODY"}, 404, "There is no customer NOBODY"),
        ({"features": {"shoe_size": 9}}, 422, "There is no feature shoe_size"),
        ({"features": {"recency_days": "soon"}}, 422, "not of its type"),
        ({"orders": [{"order_date": "2999-01-01", "revenue": 1}]}, 422, "No order lies before"),
        ({"orders": [{"order_date": "yesterday", "revenue": 1}]}, 422, "order_date"),
        ({"orders": [{"order_date": "2025-01-01", "revenue": -1}]}, 422, "revenue"),
    ],
)
def test_what_is_wrong_is_told(client, body, status, text):
    response = client.post("/predict", json=body)
    assert response.status_code == status
    assert text in response.text


@pytest.mark.parametrize(
    "body",
    [
        '{"orders": [{"order_date": "2025-01-01", "revenue": NaN}]}',
        '{"orders": [{"order_date": "2025-01-01", "revenue": 1e999}]}',
        '{"customer_id": -Infinity}',
        '{"customer_id": "\\ud800"}',
        '{"customer_id": "\\ud800", "orders": [{"order_date": "2025-01-01", "revenue": 1}]}',
        '{"features": {"\\ud800": 1}}',
        '{"\\ud800": 1}',
        f'{{"features": {{"recency_days": 1{"0" * 400}}}}}',
    ],
)
def test_what_an_answer_could_not_repeat_is_refused(client, body):
    """Python reads as JSON what JSON has no words for: no number, half a character."""
    for path, content in (("/predict", body), ("/predict/batch", f'{{"customers": [{body}]}}')):
        response = client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code == 422
        assert response.json()["detail"]


def test_every_answer_is_a_documented_one(client):
    """Requests made up from the OpenAPI document, right ones and wrong ones."""
    load_all_checks()
    # A body of the right form may be refused for what it says: an order after the day built.
    unchecked = [CHECKS.get_one("positive_data_acceptance")]
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    # The key is sent with every request, so none may be made up that is wrong for want of it.
    schema.config.generation.update(with_security_parameters=False)
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation, mode in product(operations, GenerationMode):
        if mode is GenerationMode.NEGATIVE and not operation.body:
            # Any text may be an id: without a body nothing can be asked wrongly.
            continue

        # Health checks look at the clock, and a busy machine is not a fault.
        @settings(
            max_examples=40,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case):
            case.call_and_validate(headers=KEY, excluded_checks=unchecked)

        ask()


def test_who_has_no_key_is_told_nothing(client):
    for path in ("/segments", "/customers/C000001", "/recommendations/C000001"):
        assert client.get(path, headers={"X-API-Key": "wrong"}).status_code == 401
    assert client.get("/health", headers={"X-API-Key": ""}).json()["status"] == "ok"
    assert client.post("/predict", content=b" " * 3_000_000).status_code == 413


def test_marts_are_shown_without_personal_data(client):
    customer = client.get("/customers/C000001").json()
    assert customer["lifecycle_stage"]
    assert not {"customer_name", "email", "city"} & customer.keys()
    assert {row["list"] for row in client.get("/recommendations/C000001").json()} >= {"new_to_you"}
    assert len(client.get("/segments").json()) >= 2


def test_a_new_build_is_taken_in(client, shop):
    copy = shop.database.with_name("new.duckdb")
    shutil.copy(shop.database, copy)
    with duckdb.connect(str(copy)) as build:
        build.execute("update ml.churn_parameters set model_version = 'newer'")
    copy.replace(shop.database)
    body = {"orders": [{"order_date": "2025-06-01", "revenue": 5}]}
    assert client.post("/predict", json=body).json()["model_version"] == "newer"


def test_a_build_that_holds_the_file_is_not_in_the_way(client, shop):
    """The build before answers; what is read from the file itself has to wait."""
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=1); input()"
    command = [sys.executable, "-c", code, shop.database]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    orders = {"orders": [{"order_date": "2025-06-01", "revenue": 5}]}
    with subprocess.Popen(command, **pipes) as writer:
        assert writer.stdout.readline() == "open\n"
        os.utime(shop.database)
        for body in ({"customer_id": "C000001"}, orders):
            assert client.post("/predict", json=body).status_code == 200
        assert client.get("/customers/C000001").status_code == 503
        writer.communicate("\n")
    assert client.get("/customers/C000001").status_code == 200


def test_a_shop_that_was_built_with_other_vars_is_refused(shop):
    with pytest.raises(NotBuilt, match="start the API with the --vars of the build"):
        Shop(shop.database, project_settings("churn_horizon_days: 60"))


def test_what_was_kept_survives_a_kill(tmp_path):
    """Every prediction that was acknowledged is there after SIGKILL."""
    path = tmp_path / "predictions.duckdb"
    code = (
        "import sys; from integrations.api.store import PredictionStore\n"
        "store, number = PredictionStore(sys.argv[1]), 0\n"
        "columns = ['churn_probability', 'predicted_value', 'segment_name', 'score_status']\n"
        "empty = dict.fromkeys([*columns, 'model_version', 'as_of_date'])\n"
        "while True:\n"
        "    store.keep([{'customer_id': str(number), **empty}])\n"
        "    print(number, flush=True)\n"
        "    number += 1\n"
    )
    command = [sys.executable, "-c", code, path]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        told = [int(line) for line, _ in zip(process.stdout, range(200), strict=False)]
        process.send_signal(signal.SIGKILL)
    with duckdb.connect(str(path)) as store:
        kept = {
            int(row[0]) for row in store.execute("select customer_id from predictions").fetchall()
        }
    assert kept >= set(told)
    assert len(told) == 200


def test_it_starts_by_its_command_and_says_what_is_missing(tmp_path):
    base = [sys.executable, "-m", "integrations.api"]
    run = {"cwd": PROJECT, "capture_output": True, "text": True, "timeout": 60}
    said = subprocess.run([*base, "new-key"], **run).stdout
    assert "export CLIENTELE_API_KEY_SHA256=" in said
    environment = {k: v for k, v in os.environ.items() if k != "CLIENTELE_API_KEY_SHA256"}
    result = subprocess.run(base, env=environment, **run)
    assert result.returncode == 1 and "make one by" in result.stderr
