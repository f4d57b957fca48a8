-- Grain: one row per model. Nothing adds up.
with

test_dates as (
    select snapshot_date
    from {{ ref('int_snapshot_dates') }}
    where is_test_date
),

value_scores as (
    select
        customer_id,
        snapshot_date,
        predicted_orders_90,
        predicted_order_value,
        typical_order_value,
        mbg_orders_90
    from {{ ref('value_scores') }}
    where fit = 'backtest'
),

scored as (
    select
        customer_snapshots.customer_id,
        customer_snapshots.snapshot_date,
        customer_snapshots.tenure_days,
        customer_snapshots.monetary,
        customer_snapshots.order_days,
        customer_snapshots.orders_90,
        customer_snapshots.value_90,
        value_scores.predicted_orders_90,
        value_scores.predicted_order_value,
        value_scores.typical_order_value,
        value_scores.mbg_orders_90
    from {{ ref('int_customer_snapshots') }} as customer_snapshots
    inner join value_scores
        on
            customer_snapshots.customer_id = value_scores.customer_id
            and customer_snapshots.snapshot_date = value_scores.snapshot_date
),

outcomes as (
    select
        int_customer_outcomes.customer_id,
        int_customer_outcomes.orders_next_90,
        cast(int_customer_outcomes.value_next_90 as double) as value_next_90
    from {{ ref('int_customer_outcomes') }} as int_customer_outcomes
    inner join test_dates
        on int_customer_outcomes.snapshot_date = test_dates.snapshot_date
    where int_customer_outcomes.orders_next_90 is not null
),

predictions as (
    {% for model, orders, value in [
        ('value', 'scored.predicted_orders_90', 'scored.predicted_orders_90 * scored.predicted_order_value'),
        ('mbg_nbd', 'scored.mbg_orders_90', 'scored.mbg_orders_90 * scored.predicted_order_value'),
        ('own_mean_value', 'scored.predicted_orders_90', 'scored.predicted_orders_90 * cast(scored.monetary as double) / scored.order_days'),
        ('typical_value', 'scored.predicted_orders_90', 'scored.predicted_orders_90 * scored.typical_order_value'),
        ('last_90_days', 'scored.orders_90', 'scored.value_90'),
        ('rate_so_far', '90 * cast(scored.order_days as double) / scored.tenure_days', '90 * cast(scored.monetary as double) / scored.tenure_days'),
    ] -%}
    select
        '{{ model }}' as model,
        scored.customer_id,
        scored.snapshot_date,
        cast({{ orders }} as double) as expected_orders,
        cast({{ value }} as double) as expected_value,
        outcomes.orders_next_90 as orders,
        outcomes.value_next_90 as order_value
    from scored
    inner join outcomes
        on scored.customer_id = outcomes.customer_id
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

measured as (
    select
        model,
        snapshot_date,
        count(*) as customers,
        -- Decimals, because doubles add up to other bits in another order.
        sum(orders) as orders,
        cast(sum(cast(expected_orders as decimal(28, 10))) as double) as expected_orders,
        cast(sum(cast((expected_orders - orders) * (expected_orders - orders) as decimal(28, 10))) as double)
            as squared_error,
        cast(sum(cast(abs(expected_orders - orders) as decimal(28, 10))) as double) as orders_error,
        cast(sum(cast(order_value as decimal(28, 10))) as double) as order_value,
        cast(sum(cast(expected_value as decimal(28, 10))) as double) as expected_value,
        cast(sum(cast(abs(expected_value - order_value) as decimal(28, 10))) as double) as value_error
    from predictions
    group by 1, 2
),

-- When the next order comes, on an earlier day: by its 90 days no more than the soonest are known.
next_orders as (
    select
        next_order_scores.snapshot_date,
        next_order_scores.expected_days,
        next_order_scores.last_gap_days,
        int_customer_outcomes.days_to_next_order,
        int_customer_outcomes.days_to_next_order between next_order_scores.earliest_days
        and next_order_scores.latest_days as is_covered
    from {{ ref('next_order_scores') }} as next_order_scores
    inner join {{ ref('int_customer_outcomes') }} as int_customer_outcomes
        on
            next_order_scores.customer_id = int_customer_outcomes.customer_id
            and next_order_scores.snapshot_date = int_customer_outcomes.snapshot_date
    where
        next_order_scores.fit = 'backtest'
        and int_customer_outcomes.days_to_next_order is not null
),

next_order_errors as (
    {% for model, days, share in [
        ('value', 'expected_days', 'cast(count(case when is_covered then 1 end) as double) / count(*)'),
        ('last_gap', 'last_gap_days', 'cast(null as double)'),
    ] -%}
    select
        '{{ model }}' as model,
        snapshot_date,
        count(*) as customers,
        percentile_cont(0.5) within group (order by abs({{ days }} - days_to_next_order)) as median_error,
        {{ share }} as covered_share
    from next_orders
    group by 2
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

versions as (
    select max(model_version) as model_version
    from {{ ref('value_parameters') }}
    where fit = 'backtest'
),

models as (
    select model from measured
    union
    select model from next_order_errors
),

value_scorecard as (
    select
        models.model,
        versions.model_version,
        measured.snapshot_date as test_date,
        cast(measured.customers as integer) as customers,
        sqrt(measured.squared_error / measured.customers) as orders_rmse,
        measured.orders_error / measured.customers as orders_mae,
        measured.expected_orders / nullif(measured.orders, 0) - 1 as orders_total_error,
        measured.value_error / measured.customers as value_mae,
        measured.expected_value / nullif(measured.order_value, 0) - 1 as value_total_error,
        next_order_errors.snapshot_date as next_order_test_date,
        cast(next_order_errors.customers as integer) as next_order_customers,
        cast(next_order_errors.median_error as double) as next_order_error_days,
        next_order_errors.covered_share as next_order_coverage,
        {{ as_of_date() }} as as_of_date
    from models
    cross join versions
    left join measured
        on models.model = measured.model
    left join next_order_errors
        on models.model = next_order_errors.model
)

select * from value_scorecard
