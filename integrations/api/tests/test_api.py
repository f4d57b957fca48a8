"""The API: the marts' numbers, by id, features or orders; refused what is wrong; nothing lost."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys

import duckdb
import pytest
from fastapi.testclient import TestClient

from conftest import PROJECT
from integrations.api.app import create_app
from integrations.api.scoring import Scorer, compile_models
from integrations.api.store import PredictionStore

KEY = {"X-API-Key": "correct horse"}
HASH = hashlib.sha256(b"correct horse").hexdigest()


@pytest.fixture(scope="module")
def scorer(sample, tmp_path_factory):
    """Score on the sample's build, copied to a name of its own."""
    folder = tmp_path_factory.mktemp("api")
    database = folder / "shop.duckdb"
    shutil.copy(sample.database, database)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CLIENTELE_DUCKDB", str(database))
        return Scorer(database, compile_models(folder / "target"))


@pytest.fixture(scope="module")
def client(scorer, tmp_path_factory):
    store = PredictionStore(tmp_path_factory.mktemp("store") / "predictions.duckdb")
    app = create_app(scorer, store, HASH)
    with TestClient(app, headers=KEY) as client:
        client.store = store
        yield client


def marts(scorer):
    return scorer.query(
        """
        select customer_id, churn_probability, risk_band, reason_1, predicted_value, money_at_risk,
            segment_name
        from customers.customer_churn
        left join customers.customer_value using (customer_id)
        left join customers.customer_segments using (customer_id)
        order by customer_id
        """
    )


def assert_same(answer, mart):
    for column in ("churn_probability", "predicted_value", "money_at_risk"):
        assert answer[column] == pytest.approx(mart[column], abs=1e-9), mart["customer_id"]
    assert answer["segment_name"] == mart["segment_name"]
    assert answer["risk_band"] == mart["risk_band"]
    assert (answer["reasons"] or [None])[0] == mart["reason_1"]


def test_features_of_every_customer_score_as_in_the_marts(scorer):
    expected = {row["customer_id"]: row for row in marts(scorer)}
    answers = scorer.score(scorer.stored(expected))
    assert len(answers) > 1500
    for answer in answers:
        assert_same(answer, expected[answer["customer_id"]])


def test_days_of_every_customer_score_as_in_the_marts(scorer):
    expected = {row["customer_id"]: row for row in marts(scorer)}
    with duckdb.connect(str(scorer.database), read_only=True) as shop:
        days = shop.execute(
            "select * from features.int_customer_days"
            " where activity_date < (select as_of_date from staging.as_of_date)"
        ).df()
    answers = scorer.score(scorer.features_of(days))
    assert len(answers) > 1500
    for answer in answers:
        assert_same(answer, expected[answer["customer_id"]])


def test_known_customers_are_answered_from_the_marts_and_kept(client, scorer):
    known = [row for row in marts(scorer) if row["churn_probability"]][:3]
    body = {"customers": [{"customer_id": row["customer_id"]} for row in known]}
    answers = client.post("/predict/batch", json=body).json()
    for answer, mart in zip(answers, known, strict=True):
        assert_same(answer, mart)
    kept = client.store.connection.execute(
        "select customer_id from predictions order by predicted_at desc, customer_id limit 3"
    ).fetchall()
    assert kept == [(row["customer_id"],) for row in known]


def test_predictions_of_who_asks_to_be_forgotten_are_erased(client):
    lately = [{"order_date": "2025-05-20", "revenue": 50}]
    for name in ("GOES", "STAYS"):
        client.post("/predict", json={"customer_id": name, "orders": lately})
    assert client.delete("/predictions/GOES").json() == {"erased": 1}
    assert client.delete("/predictions/GOES").json() == {"erased": 0}
    kept = "select count(*) from predictions where customer_id = ?"
    for name, count in (("GOES", 0), ("STAYS", 1)):
        assert client.store.connection.execute(kept, [name]).fetchall() == [(count,)]


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


def test_a_new_build_is_taken_in(client, scorer):
    copy = scorer.database.with_name("new.duckdb")
    shutil.copy(scorer.database, copy)
    with duckdb.connect(str(copy)) as shop:
        shop.execute("update ml.churn_parameters set model_version = 'newer'")
    copy.replace(scorer.database)
    body = {"orders": [{"order_date": "2025-06-01", "revenue": 5}]}
    assert client.post("/predict", json=body).json()["model_version"] == "newer"


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
