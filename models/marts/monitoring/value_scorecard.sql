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

versions as (
    select max(model_version) as model_version
    from {{ ref('value_parameters') }}
    where fit = 'backtest'
),

value_scorecard as (
    select
        measured.model,
        versions.model_version,
        measured.snapshot_date as test_date,
        cast(measured.customers as integer) as customers,
        sqrt(measured.squared_error / measured.customers) as orders_rmse,
        measured.orders_error / measured.customers as orders_mae,
        measured.expected_orders / nullif(measured.orders, 0) - 1 as orders_total_error,
        measured.value_error / measured.customers as value_mae,
        measured.expected_value / nullif(measured.order_value, 0) - 1 as value_total_error,
        {{ as_of_date() }} as as_of_date
    from measured
    cross join versions
)

select * from value_scorecard
