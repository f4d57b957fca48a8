"""HTTP API of the scores: FastAPI over `Shop` and `PredictionStore`."""

import hashlib
import hmac
import json
import math
import time
from collections import deque
from datetime import date
from typing import Annotated

from fastapi import Body, Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict, Field, model_validator

from integrations.api.history import days_of
from integrations.api.scoring import NEEDED
from integrations.api.shop import NotBuilt
from integrations.api.store import STRANGER

MOST_CUSTOMERS = 1000
MOST_BYTES = 2_000_000
REQUESTS_PER_MINUTE = 6000
# A feature's largest size; the longest that somebody can have been a customer.
MOST, MOST_DAYS = 1e12, 100_000
JSON_LINES = "application/x-ndjson"
NOT_NUMBERS = {"customer_id", "snapshot_date", "history_fingerprint", "is_eligible"}
CUSTOMER = """
    select * exclude (customer_name, email, city)
    from customers.customer_360 where customer_id = ?
"""
SEGMENTS = "select * from customers.segment_profiles order by all"
RECOMMENDATIONS = """
    select list, rank, product_id, product_name, score, reason, model_version, as_of_date
    from sales.product_recommendations where customer_id = ? order by list, rank
"""


# A length to keep has pydantic refuse half a character, which the answer could not repeat.
FeatureName = Annotated[str, Field(max_length=100)]


class Order(BaseModel):
    """An order of a customer who need not be known to the shop's database."""

    order_date: date = Field(ge=date(1900, 1, 1))
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
    features: dict[FeatureName, float | int | bool | str | None] | None = Field(
        None, max_length=100
    )
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
    segment_action: str | None = Field(description="What the segment calls for, whoever is in it.")
    recommended_action: str | None = Field(
        description="That of customer_360, of a customer who is answered from the marts; else null."
    )
    model_version: str
    as_of_date: date


class Problem(BaseModel):
    """Why a request was refused: a sentence, or what was wrong at which place of the body."""

    detail: str | list[dict]


REFUSALS = {
    400: "The body is no text in UTF-8.",
    401: "The key is missing or wrong.",
    404: "The shop has no such customer, or nothing for them.",
    413: "The body is too large, or does not say how large it is.",
    422: "The body is not what a customer can be.",
    429: "Too many requests within a minute.",
    503: "The shop's file is not there, or dbt is writing it.",
}


class Batch(BaseModel):
    """Customers to predict at once."""

    model_config = ConfigDict(extra="forbid")
    customers: list[CustomerRequest] = Field(min_length=1, max_length=MOST_CUSTOMERS)


def create_app(shop, store, key_hash):
    """Make the application.

    Parameters
    ----------
    shop : Shop
    store : PredictionStore
        Keeps every prediction before it is answered.
    key_hash : str
        SHA-256 of the API key in hexadecimal digits.
    """
    app = FastAPI(
        title="clientele",
        version="1.0.0",
        description="Churn, value, segment and recommendations of a shop's customers.",
        responses={
            status: {"model": Problem, "description": text} for status, text in REFUSALS.items()
        },
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

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError):
        # Without the input, which may be NaN, and in ASCII: half a character has no UTF-8.
        told = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
        return Response(json.dumps({"detail": told}), 422, media_type="application/json")

    @app.exception_handler(NotBuilt)
    async def not_built(request: Request, error: NotBuilt):
        return JSONResponse({"detail": str(error)}, 503)

    def predict_all(customers):
        build = shop.newest()
        known = {c.customer_id for c in customers if c.features is None and c.orders is None}
        answers = build.known(known) if known else {}
        if missing := sorted(known - answers.keys()):
            raise HTTPException(404, f"There is no customer {missing[0]} in the shop.")
        scored = iter(build.model.score([f for c in customers if (f := features(build, c))]))
        result = [
            answers[c.customer_id]
            if c.features is None and c.orders is None
            else next(scored) | {"customer_id": c.customer_id or STRANGER}
            for c in customers
        ]
        store.keep(result)
        return result

    def features(build, customer):
        """Of a customer who is not answered from the marts."""
        if customer.features is not None:
            return checked_features(customer.features, build.features)
        if customer.orders is not None:
            orders = [order for order in customer.orders if order.order_date < build.as_of_date]
            if not orders:
                raise HTTPException(
                    422, f"No order lies before {build.as_of_date}, the day that was built."
                )
            return build.features_of(days_of(orders))
        return None

    key = [Depends(check_key)]

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether a shop is there to be asked; needs no key."""
        return {"status": "ok", "as_of_date": str(shop.newest().as_of_date)}

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
        if rows := shop.query(CUSTOMER, customer_id):
            return rows[0]
        raise HTTPException(404, f"There is no customer {customer_id} in the shop.")

    @app.get("/segments", dependencies=key)
    def segments() -> list[dict]:
        """Segments with their profile, as `segment_profiles` has them."""
        return shop.query(SEGMENTS)

    @app.get("/recommendations/{customer_id}", dependencies=key)
    def recommendations(customer_id: str) -> list[dict]:
        """Products to offer a customer, by list and rank."""
        if rows := shop.query(RECOMMENDATIONS, customer_id):
            return rows
        raise HTTPException(404, f"There is nothing to recommend to a customer {customer_id}.")

    @app.get("/predictions", dependencies=key, responses={200: {"content": {JSON_LINES: {}}}})
    def predictions() -> StreamingResponse:
        """All that were kept, as lines of JSON: the shop's raw table `api_predictions`."""
        lines = (json.dumps(row) + "\n" for row in store.rows())
        return StreamingResponse(lines, media_type=JSON_LINES)

    @app.delete("/predictions/{customer_id}", dependencies=key)
    def forget(customer_id: str) -> dict[str, int]:
        """Erase the predictions that were kept of a customer who asks to be forgotten."""
        return {"erased": store.forget(customer_id)}

    return app


def checked_features(features, columns):
    """Features as numbers; 422 for what a customer cannot have."""
    if unwanted := sorted(features.keys() - columns):
        raise HTTPException(
            422,
            f"There is no feature {unwanted[0]}: they are the columns of"
            " features.int_customer_snapshots.",
        )
    numbers = {}
    for name, value in features.items():
        if name in NOT_NUMBERS or value is None:
            continue
        try:
            numbers[name] = float(value)
        except (ValueError, OverflowError):
            numbers[name] = math.nan
        if not abs(numbers[name]) <= MOST:
            raise HTTPException(422, f"A feature has a value that is not of its type: {name}.")
    days = [numbers.get(name) for name in NEEDED]
    if None in days:
        raise HTTPException(422, f"Features hold {', '.join(NEEDED)} at least.")
    recency, tenure, order_days = days
    if not (1 <= recency <= tenure <= MOST_DAYS and order_days >= 1):
        raise HTTPException(
            422, f"1 <= recency_days <= tenure_days <= {MOST_DAYS}, and order_days are 1 or more."
        )
    return numbers
