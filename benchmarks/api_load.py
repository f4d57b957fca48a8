"""Latency of the API on one core, at a steady rate of requests that waits for no answer.

    .venv/bin/python benchmarks/api_load.py clientele.duckdb

Requests go out at fixed times, one customer each: by id, by order history and by ready features in
turn. A latency runs from the time a request was due until its answer is there, so that a queue
counts. The API has the first core to itself, the requests come from another. Linux only.
"""

import argparse
import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import duckdb
import httpx
import numpy as np

PROJECT = Path(__file__).parents[1]
KEY = "of the benchmark"
# Answers before the measurement: the first ones load code and the shop.
WARM_UP = 150


def bodies(database):
    """Take 300 customers of the shop, each as an id, as orders and as features.

    Returns
    -------
    list of tuple
        Kind of request, and its JSON body.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        customers = connection.execute(
            """
            select customer_id from customers.customer_churn
            where score_status = 'scored' order by hash(customer_id), customer_id limit 300
            """
        ).fetchall()
        result = []
        for (customer,) in customers:
            orders = connection.execute(
                """
                select order_date, cast(greatest(order_revenue, 0) as double) from core.fct_orders
                where customer_id = ? and order_date < (select as_of_date from staging.as_of_date)
                order by order_date
                """,
                [customer],
            ).fetchall()
            features = connection.execute(
                """
                select * exclude (customer_id, snapshot_date, history_fingerprint)
                from features.int_customer_snapshots where customer_id = ?
                order by snapshot_date desc limit 1
                """,
                [customer],
            )
            names = [column[0] for column in features.description]
            values = dict(zip(names, features.fetchone(), strict=True))
            numbers = {
                name: float(value)
                for name, value in values.items()
                if value is not None and not isinstance(value, (str, bool))
            }
            history = [{"order_date": f"{day}", "revenue": revenue} for day, revenue in orders]
            result += [
                ("customer_id", {"customer_id": customer}),
                ("orders", {"orders": history}),
                ("features", {"features": numbers}),
            ]
    return result


async def ask(client, requests, rate, seconds):
    """Send requests at a rate; returns kind, seconds from due to answered and status of each."""
    start = time.perf_counter() + 0.1

    async def one(number):
        due = start + number / rate
        await asyncio.sleep(due - time.perf_counter())
        kind, body = requests[number % len(requests)]
        try:
            status = (await client.post("/predict", json=body)).status_code
        except httpx.HTTPError:
            # No answer counts as a wrong one.
            status = None
        return kind, time.perf_counter() - due, status

    return await asyncio.gather(*[one(number) for number in range(int(rate * seconds))])


async def measure(requests, port, rate, seconds):
    """Wait for the API, warm it up, and measure."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}, timeout=60
    ) as client:
        for _ in range(300):
            try:
                await client.get("/health")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.1)
        for _, body in requests[:WARM_UP]:
            await client.post("/predict", json=body)
        return await ask(client, requests, rate, seconds)


def main():
    """Print a table of latencies by kind of request."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("database", type=Path, help="a built shop")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    requests = bodies(arguments.database)
    api_core, *other_cores = sorted(os.sched_getaffinity(0))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        api = subprocess.Popen(
            [sys.executable, "-m", "integrations.api", "--port", str(port)]
            + ["--predictions", f"{folder}/predictions.duckdb"],
            cwd=PROJECT,
            env=os.environ
            | {"CLIENTELE_DUCKDB": str(arguments.database.resolve())}
            | {"CLIENTELE_API_KEY_SHA256": hashlib.sha256(KEY.encode()).hexdigest()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {api_core}),
        )
        os.sched_setaffinity(0, set(other_cores) or {api_core})
        try:
            answers = asyncio.run(measure(requests, port, arguments.rate, arguments.seconds))
            if api.poll() is not None:
                sys.exit("The API ended before the measurement did.")
        finally:
            api.terminate()
            api.wait()
    print(f"{arguments.rate:g} requests a second for {arguments.seconds:g} s, the API on one core")
    print("| asked by | requests | not 200 | p50 ms | p95 ms | p99 ms | most ms |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("customer_id", "orders", "features", "all"):
        mine = [answer for answer in answers if kind in (answer[0], "all")]
        times = np.array([seconds for _, seconds, _ in mine]) * 1000
        failed = sum(status != 200 for _, _, status in mine)
        figures = [f"{figure:.1f}" for figure in np.quantile(times, [0.5, 0.95, 0.99, 1])]
        print(f"| {kind} | {len(mine)} | {failed} | {' | '.join(figures)} |")
    if wrong := Counter(status for *_, status in answers if status != 200):
        print(f"Statuses of what was not 200, None for no answer: {dict(wrong)}")


if __name__ == "__main__":
    main()
