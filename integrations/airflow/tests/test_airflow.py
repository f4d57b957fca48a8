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


def test_the_dag_is_imported_and_reports_nothing_to_anybody(airflow):
    assert "No data found" in airflow("dags", "list-import-errors").stdout
    script = "import clientele_daily, cosmos.telemetry; print(cosmos.telemetry.should_emit())"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=DAGS,
        env=airflow.environment,
        capture_output=True,
        text=True,
    )
    assert result.stdout.splitlines()[-1] == "False", result.stderr


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


def test_days_train_when_there_is_a_reason_and_tell_what_is_odd(airflow, calls):
    _, posted = calls
    states, output = run_day(airflow, "2026-01-02")
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

    posted.clear()
    states, output = run_day(airflow, "2026-01-03")
    assert states.keys() == {"success", "skipped"}, output[-5000:]
    assert states["skipped"] == {"train"} and "Reasons to train: none" in output
    assert len(posted) == 11


def test_a_day_that_fails_is_told_and_leaves_the_shop_as_it_was(airflow, calls, tmp_path):
    _, posted = calls
    posted.clear()
    before = airflow.database.read_bytes()
    states, output = run_day(airflow, "2026-01-04", CLIENTELE_RAW_DIR=str(tmp_path))
    assert states["failed"] == {"etl"}, output[-5000:]
    assert {"train", "swap_in", "predict_by_api"} < states["upstream_failed"]
    ((path, _, body),) = posted
    assert path == "/webhook"
    assert body["text"].startswith(
        "clientele_daily: etl failed on 2026-01-04. The shop is as it was"
    )
    assert airflow.database.read_bytes() == before
