"""The semantic layer: what MetricFlow answers is what the marts say."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROJECT


@pytest.fixture(scope="module")
def ask(sample, tmp_path_factory):
    """Ask MetricFlow of the sample shop; returns rows of text by column."""
    # MetricFlow reads target/ of the folder that it is called in.
    folder = tmp_path_factory.mktemp("metrics")
    for path in PROJECT.iterdir():
        if path.name not in ("target", "logs"):
            (folder / path.name).symlink_to(path)
    place = {"cwd": folder, "env": os.environ | {"CLIENTELE_DUCKDB": str(sample.database)}}
    bin = Path(sys.executable).parent
    subprocess.run([bin / "dbt", "--quiet", "parse", "--target", "duckdb"], check=True, **place)

    def answer(metrics, group_by):
        file = folder / "answer.csv"
        command = [bin / "mf", "query", "--metrics", metrics, "--group-by", group_by]
        result = subprocess.run([*command, "--csv", file], capture_output=True, text=True, **place)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
        with file.open() as lines:
            return list(csv.DictReader(lines))

    return answer


def test_metrics_by_month_are_the_kpis(ask, sample):
    kpis = ["revenue", "margin", "margin_rate", "orders", "average_basket", "active_customers"]
    kpis += ["repeat_rate"]
    expected = {
        (kpi, month): value
        for kpi, month, value in sample.query(
            f"""
            select kpi, strftime(month_date, '%Y-%m'), kpi_value from sales.business_kpis
            where period = 'month' and kpi in {tuple(kpis)}
            """
        )
    }
    rows = ask(",".join(kpis), "metric_time__month")
    answered = {(kpi, row["metric_time__month"][:7]): row[kpi] for row in rows for kpi in kpis}
    assert answered.keys() == expected.keys()
    for key, value in answered.items():
        assert float(value) == pytest.approx(expected[key], abs=1e-9), key


def test_risk_and_stock_by_group_are_those_of_the_marts(ask, sample):
    risk = ask("churn_risk", "customer__rfm_segment")
    expected = sample.query(
        """
        select rfm_segment, avg(churn_probability) from customers.customer_churn
        inner join customers.customer_rfm using (customer_id)
        where churn_probability is not null group by 1
        """
    )
    answered = {row["customer__rfm_segment"]: row["churn_risk"] for row in risk}
    for segment, value in expected:
        assert float(answered[segment]) == pytest.approx(value)
    [row] = ask("stock_outs", "metric_time__year")
    [(count,)] = sample.query(
        "select count(*) from inventory.inventory_status where stock_status = 'out_of_stock'"
    )
    assert int(row["stock_outs"]) == count
