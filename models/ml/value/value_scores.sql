-- Grain: one row per fit and customer with a churn score, where a value model was trained.
with

churn_scores as (
    select
        fit,
        customer_id,
        snapshot_date,
        churn_probability,
        mbg_r,
        mbg_alpha,
        mbg_a,
        mbg_b,
        mbg_alive_chance,
        mbg_chance
    from {{ ref('churn_scores') }}
),

customer_snapshots as (
    select
        customer_id,
        snapshot_date,
        tenure_days,
        order_days,
        monetary,
        greatest(net_monetary, 0) as net_monetary
    from {{ ref('int_customer_snapshots') }}
),

value_parameters as (
    select
        fit,
        parameter_type,
        feature,
        snapshot_date,
        value,
        model_version
    from {{ ref('value_parameters') }}
),

learnt as (
    select
        fit,
        model_version,
        max(case when feature = 'year' then value end) as year_factor,
        max(case when feature = 'typical_order_value' then value end) as typical_order_value,
        -- Versions from before returns were learnt have none.
        coalesce(max(case when feature = 'kept_share' then value end), 1) as kept_share,
        max(case when feature = 'prior_order_days' then value end) as prior_order_days
    from value_parameters
    group by 1, 2
    having max(case when feature = 'typical_order_value' then value end) is not null
),

customers as (
    select
        churn_scores.*,
        customer_snapshots.tenure_days,
        customer_snapshots.order_days,
        customer_snapshots.monetary,
        customer_snapshots.net_monetary
    from churn_scores
    inner join customer_snapshots
        on
            churn_scores.customer_id = customer_snapshots.customer_id
            and churn_scores.snapshot_date = customer_snapshots.snapshot_date
),

expected as (
    {{ expected_orders('customers') }}
),

-- How many orders a year holds is the MBG/NBD model's word, because the churn model looks one horizon
-- ahead; whose orders they are is the churn model's.
totals as (
    select
        fit,
        snapshot_date,
        -- Decimals, because doubles add up to other bits in another order.
        cast(sum(cast(mbg_orders_365 as decimal(28, 12))) as double)
        / cast(sum(cast(expected_orders_365 as decimal(28, 12))) as double) as ratio
    from expected
    group by 1, 2
),

seasons as (
    select
        totals.fit,
        max_by(value_parameters.value, value_parameters.snapshot_date) as season
    from totals
    inner join value_parameters
        on
            value_parameters.parameter_type = 'season'
            and totals.fit = value_parameters.fit
            and totals.snapshot_date >= value_parameters.snapshot_date
    group by 1
),

value_scores as (
    select
        expected.fit,
        expected.customer_id,
        expected.snapshot_date,
        expected.mbg_orders_90,
        expected.mbg_orders_365,
        -- A high season cannot hold more orders than the year around it.
        least(
            expected.expected_orders_90 * coalesce(seasons.season, 1),
            expected.expected_orders_365 * totals.ratio * learnt.year_factor
        ) as predicted_orders_90,
        expected.expected_orders_365 * totals.ratio * learnt.year_factor as predicted_orders,
        expected.staying_orders_365 * totals.ratio * learnt.year_factor as orders_if_staying,
        learnt.typical_order_value,
        greatest(
            (learnt.prior_order_days * learnt.typical_order_value + cast(expected.monetary as double))
            / (learnt.prior_order_days + expected.order_days), 0
        ) as predicted_order_value,
        -- By the same weight as the value, but nobody's own share is all that is known of them: who sent a first great
        -- order back may keep the next.
        (
            greatest(learnt.prior_order_days, 1) * learnt.typical_order_value * learnt.kept_share
            + least(cast(expected.net_monetary as double), greatest(cast(expected.monetary as double), 0))
        ) / (
            greatest(learnt.prior_order_days, 1) * learnt.typical_order_value
            + greatest(cast(expected.monetary as double), 0)
        ) as kept_share,
        learnt.model_version
    from expected
    inner join learnt
        on expected.fit = learnt.fit
    inner join totals
        on expected.fit = totals.fit
    left join seasons
        on expected.fit = seasons.fit
)

select * from value_scores
