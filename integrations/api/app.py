"""HTTP API of the scores: FastAPI over `Scorer` and `PredictionStore`."""

import hashlib
import hmac
import time
from collections import deque
from datetime import date
from typing import Annotated

import pandas as pd
from fastapi import Body, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict, Field, model_validator

from integrations.api.scoring import NotBuilt, days_of, known_before

MOST_CUSTOMERS = 1000
MOST_BYTES = 2_000_000
REQUESTS_PER_MINUTE = 6000
MART_ANSWER = """
    select
        customer_churn.customer_id, churn_probability, risk_band,
        customer_churn.score_status, customer_churn.score_reason,
        list_filter([reason_1, reason_2, reason_3], lambda reason: reason is not null) as reasons,
        predicted_orders, predicted_value, money_at_risk, next_order_date,
        segment_name, customer_segments.recommended_action,
        customer_churn.model_version, customer_churn.as_of_date
    from customers.customer_churn as customer_churn
    left join customers.customer_value as customer_value using (customer_id)
    left join customers.customer_segments as customer_segments using (customer_id)
    where list_contains(?, customer_churn.customer_id)
    order by customer_churn.customer_id
"""
CUSTOMER = """
    select * exclude (customer_name, email, city)
    from customers.customer_360 where customer_id = ?
"""
SEGMENTS = "select * from customers.segment_profiles order by all"
RECOMMENDATIONS = """
    select list, rank, product_id, product_name, score, reason, model_version, as_of_date
    from sales.product_recommendations where customer_id = ? order by list, rank
"""


class Order(BaseModel):
    """An order of a customer who need not be known to the shop's database."""

    order_date: date
    revenue: float = Field(ge=0, le=1e9, description="Goods net of discounts, in money.")
    discount: float = Field(0, ge=0, le=1e9)
    product_count: int = Field(1, ge=1, le=100_000, description="Distinct products.")
    refund: float = Field(0, ge=0, le=1e9, description="Money paid back for it.")


class CustomerRequest(BaseModel):
    """A customer by id, by ready features, or by order history: one of the three."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"customer_id": "C000001"},
                {"orders": [{"order_date": "2025-05-01", "revenue": 42.5}]},
                {"features": {"recency_days": 30, "tenure_days": 400, "order_days": 5}},
            ]
        },
    )
    customer_id: str | None = Field(None, min_length=1, max_length=200)
    features: dict[str, float | int | bool | str | None] | None = Field(None, max_length=100)
    orders: list[Order] | None = Field(None, min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def one_of_three(self):
        """Features and orders may carry a customer_id, as a name only."""
        if self.features is not None and self.orders is not None:
            raise ValueError("give features or orders, not both")
        if self.customer_id is None and self.features is None and self.orders is None:
            raise ValueError("give a customer_id, features or orders")
        return self


class Prediction(BaseModel):
    """What is predicted of a customer; null without a score, and `score_reason` says why."""

    customer_id: str
    churn_probability: float | None
    risk_band: str | None
    score_status: str
    score_reason: str | None
    reasons: list[str]
    predicted_orders: float | None
    predicted_value: float | None
    money_at_risk: float | None
    next_order_date: date | None
    segment_name: str | None
    recommended_action: str | None
    model_version: str
    as_of_date: date


class Batch(BaseModel):
    """Customers to predict at once."""

    model_config = ConfigDict(extra="forbid")
    customers: list[CustomerRequest] = Field(min_length=1, max_length=MOST_CUSTOMERS)


def create_app(scorer, store, key_hash):
    """Make the application.

    Parameters
    ----------
    scorer : Scorer
    store : PredictionStore
        Keeps every prediction before it is answered.
    key_hash : str
        SHA-256 of the API key in hexadecimal digits.
    """
    app = FastAPI(
        title="clientele",
        version="1.0.0",
        description="Churn, value, segment and recommendations of a shop's customers.",
    )
    header = APIKeyHeader(name="X-API-Key", auto_error=False)
    lately = deque()

    def check_key(key: Annotated[str | None, Depends(header)]):
        given = hashlib.sha256((key or "").encode()).hexdigest()
        if not hmac.compare_digest(given, key_hash):
            raise HTTPException(401, "The header X-API-Key does not hold the API key.")
        now = time.monotonic()
        while lately and lately[0] < now - 60:
            lately.popleft()
        if len(lately) >= REQUESTS_PER_MINUTE:
            raise HTTPException(429, "Too many requests within a minute: wait, or ask in batches.")
        lately.append(now)

    @app.middleware("http")
    async def limit_size(request: Request, call_next):
        size = request.headers.get("content-length")
        if request.method == "POST" and (not (size or "").isdigit() or int(size) > MOST_BYTES):
            text = f"A body needs a Content-Length of {MOST_BYTES} bytes at most."
            return JSONResponse({"detail": text}, 413)
        return await call_next(request)

    @app.exception_handler(NotBuilt)
    async def not_built(request: Request, error: NotBuilt):
        return JSONResponse({"detail": str(error)}, 503)

    def predict_all(customers):
        scorer.refresh()
        known = {c.customer_id for c in customers if not (c.features or c.orders)}
        answers = {a["customer_id"]: a for a in scorer.query(MART_ANSWER, list(known))}
        if missing := sorted(known - answers.keys()):
            raise HTTPException(404, f"There is no customer {missing[0]} in the shop.")
        rows, days, names = [], [], []
        for number, customer in enumerate(customers):
            # Two of a batch may be called alike, or not at all.
            name = f"{number:06d}"
            names.append(name)
            if customer.features is not None:
                if unknown := sorted(customer.features.keys() - set(scorer.features)):
                    raise HTTPException(
                        422,
                        f"There is no feature {unknown[0]}: they are the columns of"
                        " features.int_customer_snapshots.",
                    )
                rows.append({**customer.features, "customer_id": name, "is_eligible": True})
            elif customer.orders is not None:
                orders = [order.model_dump() for order in customer.orders]
                orders = known_before(scorer.as_of_date, orders)
                if not orders:
                    raise HTTPException(
                        422, f"No order lies before {scorer.as_of_date}, the day that was built."
                    )
                days.append(days_of(name, orders))
        frames = [pd.DataFrame(rows)] if rows else []
        if days:
            frames.append(scorer.features_of(pd.concat(days)))
        try:
            scored = {a["customer_id"]: a for f in frames for a in scorer.score(f)}
        except scorer.BadFeature as error:
            raise HTTPException(
                422, f"A feature has a value that is not of its type: {error}"
            ) from error
        result = [
            (scored[name] | {"customer_id": c.customer_id or "unknown"})
            if name in scored
            else answers[c.customer_id]
            for name, c in zip(names, customers, strict=True)
        ]
        store.keep(result)
        return result

    key = [Depends(check_key)]

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether a shop is there to be asked; needs no key."""
        scorer.refresh()
        return {"status": "ok", "as_of_date": str(scorer.as_of_date)}

    @app.post("/predict", dependencies=key, response_model=Prediction)
    def predict(customer: Annotated[CustomerRequest, Body()]):
        """Predict one customer, and keep the prediction."""
        return predict_all([customer])[0]

    @app.post("/predict/batch", dependencies=key, response_model=list[Prediction])
    def predict_batch(batch: Annotated[Batch, Body()]):
        """Predict up to 1,000 customers, in the order of the request."""
        return predict_all(batch.customers)

    @app.get("/customers/{customer_id}", dependencies=key)
    def customer(customer_id: str) -> dict:
        """All that `customer_360` says of a customer, without personal data."""
        if rows := scorer.query(CUSTOMER, customer_id):
            return rows[0]
        raise HTTPException(404, f"There is no customer {customer_id} in the shop.")

    @app.get("/segments", dependencies=key)
    def segments() -> list[dict]:
        """Segments with their profile, as `segment_profiles` has them."""
        return scorer.query(SEGMENTS)

    @app.get("/recommendations/{customer_id}", dependencies=key)
    def recommendations(customer_id: str) -> list[dict]:
        """Products to offer a customer, by list and rank."""
        if rows := scorer.query(RECOMMENDATIONS, customer_id):
            return rows
        raise HTTPException(404, f"There is nothing to recommend to a customer {customer_id}.")

    @app.delete("/predictions/{customer_id}", dependencies=key)
    def forget(customer_id: str) -> dict[str, int]:
        """Erase the predictions that were kept of a customer who asks to be forgotten."""
        return {"erased": store.forget(customer_id)}

    return app
