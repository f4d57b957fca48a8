"""A customer's features to the answer: the scoring models in numpy, by the parameters of a build.

The SQL of the models scores a million customers in seconds, but planning it for one takes half a
second. The tests hold both together, for every customer of the sample.
"""

import math
from datetime import timedelta

import numpy as np

from clientele.mbg_nbd import mbg_values
from clientele.pipelines import scaled_terms
from clientele.trees import UNKNOWN

# In the order that decides between equal ones, with what is typical of a customer.
GROUPS = {
    "silence": None,
    "rhythm": "Gaps between orders",
    "frequency": None,
    "value": "Order values",
    "basket": "Baskets",
    "returns": "Returns and discounts",
    "browsing": "Visits",
    "season": None,
}
NEEDED = ["recency_days", "tenure_days", "order_days"]
# churn_scores expects orders of this many days ahead for the value of a customer.
YEAR = 365


class Model:
    """The models of one build.

    Parameters
    ----------
    tables : dict of DataFrame
        Rows of the fit `production`: churn_parameters (model `churn`), value_parameters,
        next_order_times; segment_parameters; segment_archetypes.
    settings : dict
        The project's vars.
    as_of_date : date
    """

    def __init__(self, tables, settings, as_of_date):
        self.as_of_date = as_of_date
        self.horizon = int(settings["churn_horizon_days"])
        self.high, self.medium = settings["high_churn_risk"], settings["medium_churn_risk"]
        self.monetary = {"gross": "monetary", "net": "net_monetary"}[settings["monetary_basis"]]
        self.read_churn(tables["churn_parameters"])
        self.read_value(tables["value_parameters"], tables["next_order_times"])
        self.read_segments(tables["segment_parameters"], tables["segment_archetypes"])
        # What learn_totals takes.
        self.orders_factor = self.margin_rate = None

    def read_churn(self, rows):
        """Lay out terms and trees as arrays."""
        kinds = dict(iter(rows.groupby("parameter_type")))
        named = rows.drop_duplicates("feature").set_index("feature")["value"]
        status = kinds["status"].iloc[0] if "status" in kinds else None
        self.version = rows["model_version"].dropna().max() if len(rows) else "none"
        self.status = status["feature"] if status is not None else None
        self.untrained = (
            status["note"] if self.status not in (None, "trained", "no_skill") else None
        )
        self.train_customers = named.get("train_customers", math.inf)
        self.history_days = named.get("history_days", math.inf)
        names = ["r", "alpha", "a", "b"]
        self.mbg = (
            {name: float(named[f"mbg_{name}"]) for name in names} if "constant" in kinds else None
        )
        self.level = newest(kinds.get("level"), self.as_of_date)
        found = set(rows["feature_group"].dropna()) - {""}
        self.groups = [group for group in GROUPS if group in found] + sorted(found - GROUPS.keys())
        self.terms = self.trees = None
        if "term" in kinds:
            terms, scaler, coefficients = scaled_terms(kinds["term"])
            groups = [group for _, _, group in terms]
            groups += [g for g, missing in zip(groups, scaler.missing, strict=True) if missing]
            weights = np.nan_to_num(coefficients)[:, None] * self.of_group(groups)
            logs = np.array([transform == "signed_log" for _, transform, _ in terms])
            self.terms = [name for name, _, _ in terms], logs, scaler, weights
        if "node" in kinds:
            self.trees = self.laid_out(kinds["node"])

    def of_group(self, groups):
        """Ones where a group is that of the column, shape (n, groups)."""
        return np.array([[group == other for other in self.groups] for group in groups], float)

    def laid_out(self, nodes):
        """Trees as arrays by node: features, thresholds and values, and the groups of splits."""
        features = sorted(set(nodes["feature"].dropna()) - {""})
        number = int(nodes["tree"].max()) + 1
        places = np.zeros((8, number), int)
        thresholds, values = np.full((8, number), np.inf), np.zeros((8, number))
        groups = np.zeros((8, number, len(self.groups)))
        for row in nodes.itertuples():
            at = row.node, row.tree
            values[at] = row.value
            if row.feature:
                places[at], thresholds[at] = features.index(row.feature), row.threshold
                groups[at] = self.of_group([row.feature_group])[0]
        return features, places, thresholds, values, groups

    def read_value(self, rows, times):
        """Take what value and the next order are told by."""
        named = rows.drop_duplicates("feature").set_index("feature")["value"]
        self.typical_value, self.prior_days, self.kept_share = (
            known(named.get(name))
            for name in ("typical_order_value", "prior_order_days", "kept_share")
        )
        if self.kept_share is None:
            self.kept_share = 1
        self.times = {(row.rhythm_class, row.silence_class): row for row in times.itertuples()}

    def read_segments(self, rows, archetypes):
        """Take centroids, shape (segments, features)."""
        self.segments, self.actions = [], dict(archetypes.itertuples(index=False))
        clustered = rows[rows["is_clustered"].astype(bool)]
        if clustered.empty:
            return
        wide = clustered.pivot(index="segment_id", columns="feature").sort_index()
        names = clustered.drop_duplicates("segment_id").set_index("segment_id")["segment_name"]
        self.segments = names[wide.index].tolist()
        self.centroids, means, scales = (
            wide[name].astype(float) for name in ("centroid", "mean", "scale")
        )
        self.means, self.scales = means.iloc[0], scales.iloc[0]

    def learn_totals(self, largest):
        """Take what depends on all of the shop's customers from one of them, as the marts have it.

        Parameters
        ----------
        largest : dict
            Features, predicted_orders, predicted_value, kept_share and predicted_profit.
        """
        columns = Columns([largest])
        expected = self.value(columns, self.churn(columns))["expected"][0]
        self.orders_factor = known(largest["predicted_orders"] / expected)
        if largest["predicted_profit"] is not None:
            net = largest["predicted_value"] * largest["kept_share"]
            self.margin_rate = known(largest["predicted_profit"] / net) if net else None

    def score(self, customers):
        """Answer for customers.

        Parameters
        ----------
        customers : list of dict
            Features by name; None where unknown.

        Returns
        -------
        list of dict
            `Prediction`, without customer_id.
        """
        # A feature that a client makes up may have no logarithm; its answer is null then.
        with np.errstate(all="ignore"):
            columns = Columns(customers)
            churn = self.churn(columns)
            value = self.value(columns, churn)
            segments = self.nearest(columns)
        answers = []
        for number, customer in enumerate(customers):
            answer = self.told_of_churn(customer, known(churn["chance"][number]))
            contributions = churn["contributions"][number]
            answer["reasons"] = self.reasons(customer, answer["churn_probability"], contributions)
            for name in ("predicted_orders", "predicted_value", "money_at_risk"):
                answer[name] = known(value[name][number])
            if answer["score_status"] != "scored":
                answer["money_at_risk"] = None
            answer["next_order_date"] = self.next_order_date(customer)
            answer["segment_name"] = segments[number]
            answer["segment_action"] = self.actions.get(segments[number])
            # It follows from more than the models tell: stage and worth among all customers.
            answer["recommended_action"] = None
            answers.append(answer | {"model_version": self.version, "as_of_date": self.as_of_date})
        return answers

    def churn(self, columns):
        """Chances and what groups contribute to them: churn_scores.sql."""
        contributions = np.zeros((columns.count, len(self.groups)))
        nothing = np.full(columns.count, np.nan)
        if self.mbg is None or self.level is None:
            return {"chance": nothing, "contributions": contributions}
        mbg = mbg_values(*(columns[name] for name in ("order_days", "recency_days", "tenure_days")),
                         self.mbg, self.horizon)  # fmt: skip
        columns.values |= mbg
        if self.terms:
            names, logs, scaler, weights = self.terms
            matrix = np.column_stack([columns[name] for name in names])
            matrix[:, logs] = signed_log(matrix[:, logs])
            contributions += scaler.transform(matrix) @ weights
        if self.trees:
            contributions += self.walked(columns)
        score = np.clip(self.level + contributions.sum(axis=1), -500, 500)
        eligible = columns["recency_days"] <= 365
        chance = np.where(eligible, 1 / (1 + np.exp(-score)), np.nan)
        return {"chance": chance, "contributions": contributions} | mbg

    def walked(self, columns):
        """Add up what trees contribute, by group: churn_tree_scores.sql."""
        features, places, thresholds, values, groups = self.trees
        matrix = np.column_stack([columns[name] for name in features])
        matrix = np.where(np.isnan(matrix), UNKNOWN, matrix)
        trees = np.arange(places.shape[1])
        total = 0
        node = np.ones((columns.count, len(trees)), int)
        for _ in range(2):
            of_node = places[node, trees]
            above = np.take_along_axis(matrix, of_node, axis=1) > thresholds[node, trees]
            below = 2 * node + above
            # A leaf has no group, so that nothing comes from the empty places below it.
            total += np.einsum("nt,ntg->ng", values[below, trees], groups[node, trees])
            node = below
        return total

    def value(self, columns, churn):
        """Orders and money within a year: value_scores.sql and customer_value.sql."""
        nothing = np.full(columns.count, np.nan)
        names = ("expected", "predicted_orders", "predicted_value", "money_at_risk")
        if self.typical_value is None or "alive" not in churn:
            return dict.fromkeys(names, nothing)
        chance, days = churn["chance"], columns["order_days"]
        year, horizon = (
            expected_orders(columns, churn["alive"], self.mbg, ahead)
            for ahead in (YEAR, self.horizon)
        )
        likelier = (1 - chance) / (1 - churn["no_order"])
        if_staying = 1 / np.minimum(churn["alive"], 1 - churn["no_order"])
        if self.horizon < YEAR:
            beyond = year - horizon
            expected = likelier * horizon + np.sqrt(likelier) * beyond
            staying = if_staying * horizon
            staying += np.maximum(1 / churn["alive"], np.sqrt(if_staying)) * beyond
        else:
            expected, staying = likelier * year, if_staying * year
        orders = expected * unknown(self.orders_factor)
        order_value = np.maximum(
            (self.prior_days * self.typical_value + columns["monetary"]) / (self.prior_days + days),
            0,
        )
        typical = max(self.prior_days, 1) * self.typical_value
        spent = np.maximum(columns["monetary"], 0)
        net = np.minimum(np.maximum(columns["net_monetary"], 0), spent)
        kept = (typical * self.kept_share + net) / (typical + spent)
        margin = 1 if self.margin_rate is None else self.margin_rate
        staying = staying * unknown(self.orders_factor)
        at_risk = chance * staying * order_value * kept * margin
        return dict(zip(names, (expected, orders, orders * order_value, at_risk), strict=True))

    def nearest(self, columns):
        """Names of the nearest segments: segment_scores.sql."""
        if not self.segments:
            return [None] * columns.count
        standardised = np.column_stack([
            (self.segment_feature(name, columns) - self.means[name]) / self.scales[name]
            for name in self.centroids
        ])  # fmt: skip
        away = ((standardised[:, None, :] - self.centroids.to_numpy()[None]) ** 2).sum(axis=2)
        return [
            None if np.isnan(squares).any() else self.segments[squares.argmin()] for squares in away
        ]

    def segment_feature(self, name, columns):
        """Make a column of int_segment_features: macros/scoring/segment_features.sql."""
        match name:
            case "log_recency":
                return np.log(1 + columns["recency_days"])
            case "log_frequency":
                return np.log(1 + columns["frequency"])
            case "log_monetary":
                return signed_log(columns[self.monetary])
            case "log_order_value":
                return signed_log(columns["average_order_value"])
            case "discount_share":
                return np.clip(np.nan_to_num(columns["discount_share"]), 0, 1)
            case "category_breadth":
                return columns["category_count"]
            case "log_events":
                return np.log(1 + np.nan_to_num(columns["events_90"]))
        return columns[name]

    def next_order_date(self, customer):
        """When the next order is likely, if one is: next_order_scores.sql."""
        recency, tenure, days = (customer[name] for name in NEEDED)
        if not self.times or recency > 365:
            return None
        prior_gap = next(iter(self.times.values())).prior_gap
        scale = (2 * prior_gap + tenure - recency) / (1 + days)
        variation = customer.get("gap_variation")
        if days < 3:
            rhythm = 0 if days < 2 else 1
        else:
            limits = (0.15, 0.4, 0.8)
            rhythm = 2 + (3 if variation is None else sum(variation >= limit for limit in limits))
        silence = sum(recency >= limit * scale for limit in (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3))
        alike = [(rhythm, silence), (rhythm, -1), (-1, silence), (-1, -1)]
        row = next((self.times[key] for key in alike if key in self.times), None)
        if row is None or row.returning_customers / row.customers < 0.5:
            return None
        gone = recency if row.is_from_last_order else 0
        return self.as_of_date + timedelta(max(rounded(scale * row.gaps_50 - gone), 0))

    def told_of_churn(self, customer, chance):
        """Probability, band, status and its reason: customer_churn.sql."""
        season_days = 365 + self.horizon + 150
        band = reason = None
        status = "no_skill" if self.status == "no_skill" else "scored"
        if customer["recency_days"] > 365:
            status = "inactive"
            reason = "No order for a year: only customers of the last 365 days are scored."
        elif chance is None:
            status = "insufficient_history"
            reason = f"No model: {self.untrained or 'none was trained'}."
        elif status == "no_skill":
            reason = (
                "On past dates nothing told better who leaves than the share who do, so all have"
                " that share."
            )
        elif self.train_customers < 500:
            reason = "Provisional: learnt from fewer than 500 customers."
        elif self.history_days < season_days:
            reason = f"The season is not known yet: that takes {season_days} days of history."
        if status == "scored":
            band = "high" if chance >= self.high else "medium" if chance >= self.medium else "low"
        return {
            "churn_probability": chance,
            "risk_band": band,
            "score_status": status,
            "score_reason": reason,
        }

    def reasons(self, customer, chance, contributions):
        """Up to three, the strongest first: customer_churn.sql."""
        if chance is None:
            return []
        strengths = []
        for group, contribution in zip(self.groups, contributions, strict=True):
            # Whoever may leave has reasons for leaving, others for staying.
            strength = contribution if chance >= self.medium else -contribution
            if strength > 0 and abs(contribution) >= 0.05:
                strengths.append((strength, group, contribution))
        strengths.sort(key=lambda found: -found[0])
        texts = [self.reason(group, more, customer) for _, group, more in strengths[:3]]
        return [text for text in texts if text]

    def reason(self, group, contribution, customer):
        """Put a group's contribution in words: macros/scoring/churn_reason.sql."""
        if group == "silence":
            recency, gap = customer["recency_days"], customer.get("mean_gap")
            none_due = contribution <= 0 and gap is not None and recency <= gap
            if contribution <= 0 or gap is None or recency <= gap:
                text = f"Last order {days_in_words(recency)} ago"
            else:
                text = f"No order for {days_in_words(recency)}"
            if gap is not None:
                text += f"; the average gap is {days_in_words(gap)}"
            return text + (", so none is due yet" if none_due else "")
        if group == "frequency":
            year, quarter = customer.get("orders_365"), customer.get("orders_90")
            if year is None or quarter is None:
                return None
            days = f"Days with an order in the last year: {year:.0f}"
            return f"{days}, in the last 90 days: {quarter:.0f}"
        if group == "season":
            if (customer.get("orders_last_year") or 0) > 0:
                return "Ordered at this time last year"
            if customer["tenure_days"] <= 365 - self.horizon:
                return "Not yet a customer at this time last year"
            return "No order at this time last year"
        typical = GROUPS.get(group) or group.capitalize()
        does = "leave" if contribution > 0 else "stay"
        return f"{typical} like those of customers who {does}"


class Columns:
    """Features of customers as arrays, NaN where unknown."""

    def __init__(self, customers):
        self.customers, self.count, self.values = customers, len(customers), {}

    def __getitem__(self, name):
        """Look a feature up, shape (n,)."""
        if name not in self.values:
            self.values[name] = np.array([c.get(name) for c in self.customers], float)
        return self.values[name]


def expected_orders(columns, alive, mbg, horizon):
    """Days with an order within a horizon: macros/scoring/expected_orders.sql, mbg_orders.sql."""
    days, tenure = columns["order_days"], columns["tenure_days"]
    r, alpha, a, b = mbg["r"], mbg["alpha"], mbg["a"], mbg["b"]
    total = a + b + days
    leaving = a / total
    spread = np.sqrt(a * (b + days) / (total + 1)) / total
    skew = 2 * (b + days - a) * np.sqrt(total + 1) / (total + 2) / np.sqrt(a * (b + days))
    root = np.sqrt(1 + skew * skew / 4)
    low = np.maximum(leaving + spread * (skew / 2 - root), 0.000001)
    high = leaving + spread * (skew / 2 + root)
    weight = (1 + skew / 2 / root) / 2

    def orders(point):
        return (1 - (1 + point * horizon / (alpha + tenure)) ** (1 - r - days)) / point

    return alive * (weight * orders(low) + (1 - weight) * orders(high))


def newest(rows, day):
    """Value of the newest row of a day or before; None without one."""
    if rows is None:
        return None
    past = rows[rows["snapshot_date"].dt.date <= day].sort_values("snapshot_date")
    return float(past["value"].iloc[-1]) if len(past) else None


def signed_log(values):
    """sign(x) ln(1 + |x|)."""
    return np.sign(values) * np.log1p(np.abs(values))


def known(number):
    """Take a finite number, or None."""
    return float(number) if number is not None and np.isfinite(number) else None


def unknown(number):
    """NaN for None."""
    return np.nan if number is None else number


def rounded(number):
    """Half goes up, as in SQL."""
    return math.floor(number + 0.5)


def days_in_words(days):
    """`1 day`, `31 days`."""
    return f"{rounded(days)} day{'' if rounded(days) == 1 else 's'}"
