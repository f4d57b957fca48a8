"""Every day: load, build and score; train when there is a reason; tell, export, store predictions.

The stages are those of selectors.yml, each one command of the project's own dbt. On DuckDB they
build a copy, which takes the database's place when all of them are through: who reads the database
is not disturbed, and a day that fails leaves it as it was.
"""

import json
import os
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import cosmos.settings
import yaml
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import Param, chain, dag, task
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowNotFoundException,
    AirflowSkipException,
)
from cosmos import DbtBuildLocalOperator, DbtRunOperationLocalOperator, ProfileConfig

# Cosmos reports its use to its makers otherwise.
cosmos.settings.enable_telemetry = False

PROJECT = Path(__file__).resolve().parents[3]
DBT = PROJECT / ".venv/bin/dbt"
TARGET = os.environ.get("DBT_TARGET", "duckdb")
DATABASE = PROJECT / os.environ.get("CLIENTELE_DUCKDB", "clientele.duckdb")
# The same name in another folder: views in the file name their database by it.
COPY = DATABASE.parent / ".airflow" / DATABASE.name
# One folder for all of a day's commands, of which only the first has to parse the project.
ENVIRONMENT = {
    "DBT_TARGET_PATH": os.environ.get("DBT_TARGET_PATH", str(PROJECT / "target/airflow"))
}
if TARGET == "duckdb":
    ENVIRONMENT["CLIENTELE_DUCKDB"] = str(COPY)
MAPPING = os.environ.get("CLIENTELE_SHOP")
SHOP = yaml.safe_load((PROJECT / MAPPING).read_text()) if MAPPING else {}

# Customers in one request to the API.
BATCH = 100

# One row per reason to train; the first day has nothing to look at.
REASONS_TO_TRAIN = """
{% set drift, scorecard = ref('segment_drift'), ref('model_scorecard') %}
{% if load_relation(drift) and load_relation(scorecard) %}
    select 'the segments drifted' as reason
    from (
        select retrain_recommended, row_number() over (order by snapshot_date desc) as age
        from {{ drift }}
    ) as months
    where age = 1 and retrain_recommended
    union all
    select 'a simple rule is better than the churn model' as reason
    from (
        select
            max(case when model = 'churn' then brier_score end) as model_score,
            min(case when model != 'churn' then brier_score end) as rule_score
        from {{ scorecard }}
        where split = 'test' and score_status = 'scored'
    ) as scores
    where model_score > rule_score
{% else %}
    select 'nothing was learnt yet' as reason
{% endif %}
"""
ALARMS = """
select alarm, entity, detail, record_count, remedy
from {{ ref('data_quality_alarms') }}
where severity != 'info'
order by alarm, entity, detail
"""
CUSTOMERS_AT_RISK = """
select customer_id
from {{ ref('customer_360') }}
where churn_probability is not null
order by money_at_risk desc nulls last, customer_id
"""


def query(sql, limit=-1):
    """Ask the shop by dbt, so that either warehouse answers.

    Parameters
    ----------
    sql : str
        A query in dbt's Jinja.
    limit : int
        Rows at most; -1 is all.

    Returns
    -------
    list of dict
        The rows, by column.

    Raises
    ------
    RuntimeError
        What dbt says where it cannot answer.
    """
    command = [DBT, "--quiet", "show", "--output", "json", "--limit", str(limit), "--inline", sql]
    result = subprocess.run(
        [*command, "--profile", "clientele", "--target", TARGET, "--vars", yaml.dump(SHOP)],
        cwd=PROJECT,
        env=os.environ | ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(f"dbt cannot answer a query: {result.stdout}")
    return json.loads(result.stdout)["show"]


def tell(text):
    """Post a text to the webhook, if the connection `clientele_webhook` names one."""
    try:
        HttpHook(http_conn_id="clientele_webhook").run(json={"text": text})
    except AirflowNotFoundException:
        print(f"There is no connection clientele_webhook, so nobody was told: {text}")


def ask_api(method, path, **request):
    """Send a request to the API; the task is skipped if no connection `clientele_api` names one."""
    api = HttpHook(method=method, http_conn_id="clientele_api")
    try:
        key = api.get_connection("clientele_api").password
    except AirflowNotFoundException:
        raise AirflowSkipException("There is no connection clientele_api.") from None
    return api.run(path, headers={"X-API-Key": key}, **request)


def day_of(dag_run):
    """Return the day that a run is for; one started by hand may have none but its own."""
    return dag_run.logical_date or dag_run.run_after


class AlarmError(AirflowException):
    """Alarms about the shop's data that stopped its build."""


def tell_failure(context):
    """Tell which task failed. Only of alarms it tells the text: another may name customers."""
    task_instance, day = context["task_instance"], day_of(context["dag_run"])
    lines = [
        f"{task_instance.dag_id}: {task_instance.task_id} failed on {day:%Y-%m-%d}."
        f" Its log says why: {task_instance.log_url}"
    ]
    if isinstance(context["exception"], AlarmError):
        lines.append(str(context["exception"]))
    tell("\n".join(lines))


def dbt_settings():
    """Return what all of dbt's tasks have in common."""
    return {
        "project_dir": PROJECT,
        "profile_config": ProfileConfig(
            profile_name="clientele",
            target_name=TARGET,
            profiles_yml_filepath=PROJECT / "profiles/profiles.yml",
        ),
        "dbt_executable_path": str(DBT),
        "install_deps": False,
        "vars": SHOP,
        "env": ENVIRONMENT,
        "append_env": True,
        "emit_datasets": False,
        "should_store_compiled_sql": False,
    }


class StageOperator(DbtBuildLocalOperator):
    """A build that is clear about the alarms that stop it."""

    def handle_exception_subprocess(self, result):
        """Raise what stopped dbt, if anything did."""
        alarms = re.findall(r"ERROR (\w+ in \w+: .*)", "\n".join(result.full_output))
        if result.exit_code and alarms:
            raise AlarmError("\n".join(alarms))
        super().handle_exception_subprocess(result)


def stage(name, **options):
    """Make the task that builds a stage of selectors.yml and tests it."""
    return StageOperator(
        task_id=name,
        selector=name,
        # They prove the models under the sample's settings.
        dbt_cmd_flags=["--exclude-resource-type", "unit_test"],
        **dbt_settings(),
        **options,
    )


@dag(
    schedule="@daily",
    start_date=datetime(2025, 1, 1),
    catchup=False,
    # Two builds of one shop would write the same tables.
    max_active_runs=1,
    default_args={"on_failure_callback": tell_failure},
    params={
        "train": Param(False, type="boolean", description="Train today, whatever speaks for it."),
        "customers": Param(
            1000,
            type="integer",
            minimum=0,
            description="Customers to predict, the most money at risk first.",
        ),
    },
    doc_md=__doc__,
)
def clientele_daily():
    """Define the day."""

    @task
    def take_copy():
        """Copy the database, with the log that a killed process left, to build in."""
        COPY.parent.mkdir(parents=True, exist_ok=True)
        for suffix in ("", ".wal"):
            source, copy = (path.with_name(path.name + suffix) for path in (DATABASE, COPY))
            copy.unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, copy)

    @task
    def swap_in():
        """Put the copy in the database's place, in one step."""
        DATABASE.with_name(DATABASE.name + ".wal").unlink(missing_ok=True)
        COPY.replace(DATABASE)

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def has_reason_to_train(params, dag_run):
        reasons = [row["reason"] for row in query(REASONS_TO_TRAIN)]
        if params["train"]:
            reasons.append("somebody asked for it")
        if day_of(dag_run).day == 1:
            reasons.append("a month begins")
        print(f"Reasons to train: {', '.join(reasons) or 'none'}")
        return bool(reasons)

    @task
    def find_alarms():
        return query(ALARMS)

    @task(retries=2)
    def tell_alarms(alarms):
        lines = [
            "{alarm} in {entity}: {detail} ({record_count} records). {remedy}".format(**alarm)
            for alarm in alarms
        ]
        if lines:
            tell("\n".join(["clientele_daily: look at these alarms", *lines]))

    @task
    def find_customers(params):
        return [row["customer_id"] for row in query(CUSTOMERS_AT_RISK, limit=params["customers"])]

    @task(retries=2)
    def predict_by_api(customers):
        for start in range(0, len(customers), BATCH):
            batch = [{"customer_id": customer} for customer in customers[start : start + BATCH]]
            ask_api("POST", "predict/batch", json={"customers": batch})
        print(f"The API stored {len(customers)} predictions.")

    @task(retries=2)
    def land_predictions():
        folder = os.environ.get("CLIENTELE_RAW_DIR")
        if not folder:
            raise AirflowSkipException("CLIENTELE_RAW_DIR names no folder to land them in.")
        landed = Path(folder) / "api_predictions.json"
        # A file of another ending until it is whole: no build reads it.
        part = landed.with_suffix(".part")
        part.write_bytes(ask_api("GET", "predictions").content)
        part.replace(landed)

    loaded, finished, place = [], [], {}
    if TARGET == "duckdb":
        loaded, finished = [take_copy()], [swap_in()]
        place = {"place": str(DATABASE.parent / "exports")}
    elif os.environ.get("CLIENTELE_RAW_DIR"):
        # Without a folder somebody else lands the tables, such as Airbyte.
        roles = {"SNOWFLAKE_ROLE": "LOADER", "SNOWFLAKE_WAREHOUSE": "LOADING"}
        load = DbtRunOperationLocalOperator(
            task_id="load", macro_name="load_raw", **dbt_settings() | {"env": ENVIRONMENT | roles}
        )
        loaded = [load]
    alarms, customers = find_alarms(), find_customers()
    tell_alarms(alarms)
    # One after the other, because DuckDB lets one process in.
    chain(
        *loaded,
        # Each task has a folder of its own, and dbt would look for seeds in that of the last day.
        stage("etl", partial_parse=False),
        has_reason_to_train(),
        stage("train"),
        stage("predict", trigger_rule="none_failed"),
        stage("publish"),
        stage("evaluate"),
        DbtRunOperationLocalOperator(
            task_id="export", macro_name="export_marts", args=place, **dbt_settings()
        ),
        alarms,
        customers,
        *finished,
        predict_by_api(customers),
        land_predictions(),
    )


clientele_daily()
