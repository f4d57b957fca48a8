-- Grain: one row per model. Nothing adds up.
{#- Each backtest by its days ahead: the model and the rules beside it, with the days with an order and the revenue expected. -#}
{%- set rate = 'cast(scored.order_days as double) / scored.tenure_days' -%}
{%- set value_rate = 'cast(scored.monetary as double) / scored.tenure_days' -%}
{%- set own_mean = 'cast(scored.monetary as double) / scored.order_days' -%}
{%- set backtests = {
    90: {
        'fit': 'backtest', 'orders': 'predicted_orders_90', 'mbg': 'mbg_orders_90',
        'last': ('last_90_days', 'scored.orders_90', 'scored.value_90'),
    },
    365: {
        'fit': 'backtest_year', 'orders': 'predicted_orders', 'mbg': 'mbg_orders_365',
        'last': ('last_365_days', 'scored.orders_365', 'scored.value_365'),
    },
} %}
with

value_scores as (
    select
        fit,
        customer_id,
        snapshot_date,
        predicted_orders_90,
        predicted_orders,
        predicted_order_value,
        typical_order_value,
        mbg_orders_90,
        mbg_orders_365
    from {{ ref('value_scores') }}
    where fit in ('backtest', 'backtest_year')
),

outcomes as (
    select
        customer_id,
        snapshot_date,
        orders_next_90,
        cast(value_next_90 as double) as value_next_90,
        orders_next_365,
        cast(value_next_365 as double) as value_next_365
    from {{ ref('int_customer_outcomes') }}
),

scored as (
    select
        value_scores.*,
        customer_snapshots.tenure_days,
        customer_snapshots.monetary,
        customer_snapshots.order_days,
        customer_snapshots.orders_90,
        customer_snapshots.value_90,
        customer_snapshots.orders_365,
        customer_snapshots.value_365,
        outcomes.orders_next_90,
        outcomes.value_next_90,
        outcomes.orders_next_365,
        outcomes.value_next_365
    from {{ ref('int_customer_snapshots') }} as customer_snapshots
    inner join value_scores
        on
            customer_snapshots.customer_id = value_scores.customer_id
            and customer_snapshots.snapshot_date = value_scores.snapshot_date
    inner join outcomes
        on
            value_scores.customer_id = outcomes.customer_id
            and value_scores.snapshot_date = outcomes.snapshot_date
),

predictions as (
    {% for days, backtest in backtests.items() -%}
    {% set orders, mbg = 'scored.' ~ backtest.orders, 'scored.' ~ backtest.mbg -%}
    {% for model, expected_orders, expected_value in [
        ('value', orders, orders ~ ' * scored.predicted_order_value'),
        ('mbg_nbd', mbg, mbg ~ ' * scored.predicted_order_value'),
        ('own_mean_value', orders, orders ~ ' * ' ~ own_mean),
        ('typical_value', orders, orders ~ ' * scored.typical_order_value'),
        backtest.last,
        ('rate_so_far', days ~ ' * ' ~ rate, days ~ ' * ' ~ value_rate),
    ] -%}
    select
        {{ days }} as days_ahead,
        '{{ model }}' as model,
        scored.customer_id,
        scored.snapshot_date,
        cast({{ expected_orders }} as double) as expected_orders,
        cast({{ expected_value }} as double) as expected_value,
        scored.orders_next_{{ days }} as orders,
        scored.value_next_{{ days }} as order_value
    from scored
    where scored.fit = '{{ backtest.fit }}' and scored.orders_next_{{ days }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor -%}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

measured as (
    select
        days_ahead,
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
    group by 1, 2, 3
),

errors as (
    select
        days_ahead,
        model,
        snapshot_date as test_date,
        cast(customers as integer) as customers,
        sqrt(squared_error / customers) as orders_rmse,
        orders_error / customers as orders_mae,
        expected_orders / nullif(orders, 0) - 1 as orders_total_error,
        value_error / customers as value_mae,
        expected_value / nullif(order_value, 0) - 1 as value_total_error
    from measured
),

quarter_errors as (
    select *
    from errors
    where days_ahead = 90
),

year_errors as (
    select *
    from errors
    where days_ahead = 365
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
    select model from errors
    union
    select model from next_order_errors
),

value_scorecard as (
    select
        models.model,
        versions.model_version,
        {% for column in ['test_date', 'customers', 'orders_rmse', 'orders_mae', 'orders_total_error', 'value_mae', 'value_total_error'] -%}
        quarter_errors.{{ column }},
        year_errors.{{ column }} as year_{{ column }},
        {% endfor -%}
        next_order_errors.snapshot_date as next_order_test_date,
        cast(next_order_errors.customers as integer) as next_order_customers,
        cast(next_order_errors.median_error as double) as next_order_error_days,
        next_order_errors.covered_share as next_order_coverage,
        {{ as_of_date() }} as as_of_date
    from models
    cross join versions
    left join quarter_errors
        on models.model = quarter_errors.model
    left join year_errors
        on models.model = year_errors.model
    left join next_order_errors
        on models.model = next_order_errors.model
)

select * from value_scorecard
