"""Days of the sample shop on Airflow, with stand-ins for the API and the webhook."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

AIRFLOW = Path(sys.executable).parent / "airflow"
DAGS = Path(__file__).parents[1] / "dags"
PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def calls():
    """Serve the API and the webhook on loopback; yields its address and what was posted."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posted.append((self.path, self.headers.get("X-API-Key"), body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self):
            # What the API kept: an answer on the first customer who was asked about.
            batches = [body["customers"] for path, _, body in posted if path == "/predict/batch"]
            kept = batches[0][0] | {
                "predicted_at": "2025-07-02T00:00:00Z", "churn_probability": 0.5,
                "score_status": "scored", "model_version": "v1", "as_of_date": "2025-07-01",
            }  # fmt: skip
            posted.append((self.path, self.headers.get("X-API-Key"), {}))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(kept).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", posted
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, calls):
    """Set up an Airflow; yields a function that runs its command line on a shop of its own."""
    home, (address, _) = tmp_path_factory.mktemp("airflow"), calls
    raw = home / "raw"
    shutil.copytree(PROJECT / "sample", raw)
    with (raw / "orders.csv").open("a") as orders:
        # A status that no seed knows raises an alarm.
        orders.write("O-ODD,C000001,00154,1,2024-01-01 10:00:00,,30.99,,teleported,app,1,\n")
    environment = {name: value for name, value in os.environ.items() if "AIRFLOW" not in name}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_CLIENTELE_API": json.dumps(
            {"conn_type": "http", "host": address, "password": "a-key"}
        ),
        "AIRFLOW_CONN_CLIENTELE_WEBHOOK": json.dumps(
            {"conn_type": "http", "host": f"{address}/webhook"}
        ),
        "CLIENTELE_RAW_DIR": str(raw),
        "CLIENTELE_DUCKDB": str(home / "shop.duckdb"),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }

    def run(*arguments, **changed):
        return subprocess.run(
            [AIRFLOW, *arguments],
            env=environment | changed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    migrated = run("db", "migrate")
    assert migrated.returncode == 0, migrated.stdout[-3000:]
    run.environment = environment
    run.database = home / "shop.duckdb"
    return run


@pytest.mark.parametrize(
    "target, only_there", [("duckdb", {"take_copy", "swap_in"}), ("snowflake", {"load"})]
)
def test_the_dag_is_imported_and_reports_nothing_to_anybody(airflow, target, only_there):
    assert "No data found" in airflow("dags", "list-import-errors", DBT_TARGET=target).stdout
    script = (
        "import clientele_daily, cosmos.telemetry\n"
        "print(*clientele_daily.clientele_daily().task_ids, cosmos.telemetry.should_emit())"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=DAGS,
        env=airflow.environment | {"DBT_TARGET": target},
        capture_output=True,
        text=True,
    )
    *tasks, is_reported = result.stdout.splitlines()[-1].split()
    assert is_reported == "False", result.stderr
    everywhere = {"etl", "has_reason_to_train", "train", "predict", "publish", "evaluate", "export"}
    everywhere |= {"find_alarms", "tell_alarms", "find_customers", "predict_by_api"}
    everywhere.add("land_predictions")
    assert set(tasks) == everywhere | only_there


def run_day(airflow, day, **changed):
    """Run a day as `airflow dags test` does; returns its tasks by state, and what was printed."""
    lines = airflow("dags", "test", "clientele_daily", day, **changed).stdout.splitlines()
    output = "\n".join(line for line in lines if "unrunnable tasks" not in line)
    states = airflow("tasks", "states-for-dag-run", "clientele_daily", day, "--output", "json")
    tasks = json.loads(states.stdout[states.stdout.index("[{") :])
    return {
        state: {task["task_id"] for task in tasks if task["state"] == state}
        for state in {task["state"] for task in tasks}
    }, output


@pytest.fixture(scope="module")
def days(airflow, calls):
    """Run two days; returns of each its tasks by state, what was printed and what was posted."""
    _, posted = calls
    found = []
    for day in ("2026-01-02", "2026-01-03"):
        posted.clear()
        found.append((*run_day(airflow, day), list(posted)))
    return found


def test_the_first_day_trains_predicts_and_tells_what_is_odd(days):
    states, output, posted = days[0]
    assert states.keys() == {"success"}, output[-5000:]
    assert "train" in states["success"] and "nothing was learnt yet" in output
    batches = [call for call in posted if call[0] == "/predict/batch"]
    assert {key for _, key, _ in batches} == {"a-key"}
    customers = [
        customer["customer_id"] for _, _, body in batches for customer in body["customers"]
    ]
    assert len(batches) == 10 and len(set(customers)) == 1000
    (alarms,) = [body["text"] for path, _, body in posted if path == "/webhook"]
    assert "unknown_status in orders: teleported (1 records)" in alarms


def test_the_next_day_has_no_reason_to_train(airflow, days):
    states, output, posted = days[1]
    assert states.keys() == {"success", "skipped"}, output[-5000:]
    assert states["skipped"] == {"train"} and "Reasons to train: none" in output
    assert len(posted) == 12
    assert (airflow.database.parent / "exports" / "kpi_summary.txt").exists()


def test_what_the_api_answered_is_landed_for_the_next_day(airflow, days):
    counted = """
import duckdb, sys
shop = duckdb.connect(sys.argv[1], read_only=True)
kept = "select origin, count(*) from monitoring.churn_predictions group by 1 order by 1"
print(shop.sql(kept).fetchall())
"""
    command = [PROJECT / ".venv/bin/python", "-c", counted, airflow.database]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert found.startswith("[('api', 1), ('build', ")


def test_drift_and_a_better_rule_are_reasons_to_train(airflow, days):
    copy = airflow.database.parent / ".airflow" / airflow.database.name
    shutil.copy(airflow.database, copy)
    changes = """
import duckdb, sys
shop = duckdb.connect(sys.argv[1])
shop.execute("update monitoring.segment_drift set retrain_recommended = true")
shop.execute("update monitoring.model_scorecard set brier_score = 1 where model = 'churn'")
"""
    # Airflow's environment has no DuckDB.
    subprocess.run([PROJECT / ".venv/bin/python", "-c", changes, copy], check=True)
    script = "import clientele_daily as day; print(day.query(day.REASONS_TO_TRAIN))"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=DAGS,
        env=airflow.environment,
        capture_output=True,
        text=True,
    )
    assert result.stdout.splitlines()[-1] == str(
        [
            {"reason": "the segments drifted"},
            {"reason": "a simple rule is better than the churn model"},
        ]
    ), result.stderr


def test_a_day_that_an_alarm_stops_is_told_and_leaves_the_shop_as_it_was(
    airflow, calls, days, tmp_path
):
    _, posted = calls
    posted.clear()
    before = airflow.database.read_bytes()
    raw = shutil.copytree(PROJECT / "sample", tmp_path / "raw")
    (raw / "inventory.csv").write_text(
        "product_id,warehouse_id,stock_quantity,last_updated\n1,1,many,\n"
    )
    states, output = run_day(airflow, "2026-01-04", CLIENTELE_RAW_DIR=str(raw))
    assert states["failed"] == {"etl"}, output[-5000:]
    assert {"train", "swap_in", "predict_by_api"} < states["upstream_failed"]
    ((path, _, body),) = posted
    assert path == "/webhook"
    failure, alarm = body["text"].splitlines()
    assert failure.startswith("clientele_daily: etl failed on 2026-01-04.")
    assert alarm.startswith("nothing_accepted in inventory: invalid_stock_quantity | 1 records")
    assert airflow.database.read_bytes() == before
