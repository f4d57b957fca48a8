-- Grain: one row per fit and snapshot date up to the day of the fit. Totals add up over the customers of a
-- date, and so not over dates.
with

fits as (
    select
        'backtest' as fit,
        cast({{ dbt.dateadd('day', -(var('churn_horizon_days') | int), 'as_of_date') }} as date) as fit_date
    from {{ ref('as_of_date') }}
    union all
    select
        'backtest_year' as fit,
        cast({{ dbt.date_trunc('month', dbt.dateadd('day', -365, 'as_of_date')) }} as date) as fit_date
    from {{ ref('as_of_date') }}
    union all
    select
        'production' as fit,
        as_of_date as fit_date
    from {{ ref('as_of_date') }}
),

churn_parameters as (
    select
        fit,
        parameter_type,
        feature,
        value
    from {{ ref('churn_parameters') }}
    where model = 'churn'
),

training_sample as (
    select
        customer_id,
        snapshot_date,
        history_days,
        recency_days,
        tenure_days,
        order_days,
        monetary,
        net_monetary,
        orders_next_90,
        value_next_90,
        -- What became of the customer, in place of the probability.
        case when is_churned then 1 else 0 end as churn_probability
    from {{ ref('int_training_sample') }}
),

-- What was known on the day of the fit: dates whose 90 days were over, and the day itself.
known_sample as (
    select
        fits.fit,
        training_sample.*,
        training_sample.snapshot_date < fits.fit_date as is_past
    from training_sample
    inner join fits
        on
            training_sample.snapshot_date = fits.fit_date
            or {{ dbt.dateadd('day', 90, 'training_sample.snapshot_date') }} <= fits.fit_date
),

with_mbg as (
    {{ mbg_features('known_sample', 'churn_parameters') }}
),

expected as (
    {{ expected_orders('with_mbg', [90]) }}
),

totals as (
    select
        fit,
        snapshot_date,
        max(history_days) as history_days,
        sum(case when is_past then orders_next_90 end) as orders_next_90,
        -- Decimals, because doubles add up to other bits in another order.
        cast(sum(case when is_past then cast(mbg_orders_90 as decimal(28, 12)) end) as double) as mbg_orders_90,
        cast(sum(case when is_past then cast(expected_orders_90 as decimal(28, 12)) end) as double) as expected_orders_90
    from expected
    where mbg_orders_90 is not null
    group by fit, snapshot_date
),

-- What an order day is worth: of each customer so far, and within the next 90 days.
order_values as (
    select
        fit,
        snapshot_date,
        order_days,
        greatest(cast(monetary as double) / order_days, 0.01) as mean_value,
        case
            when monetary > 0 then least(greatest(cast(net_monetary as double), 0) / cast(monetary as double), 1)
            else 1
        end as kept_share,
        case
            when is_past and orders_next_90 > 0
                then greatest(cast(value_next_90 as double) / orders_next_90, 0.01)
        end as next_value
    from known_sample
),

-- A wholesaler, or a slip of the keyboard, is no reason to expect more of all others.
highest_values as (
    select
        fit,
        snapshot_date,
        percentile_cont(0.99) within group (order by mean_value) as highest_value
    from order_values
    group by fit, snapshot_date
),

typical_values as (
    select
        order_values.fit,
        order_values.snapshot_date,
        cast(sum(cast(least(order_values.mean_value, highest_values.highest_value) as decimal(28, 6))) as double)
        / count(*) as typical_value,
        cast(sum(cast(least(order_values.mean_value, highest_values.highest_value) * order_values.kept_share as decimal(28, 6))) as double)
        / cast(sum(cast(least(order_values.mean_value, highest_values.highest_value) as decimal(28, 6))) as double)
            as kept_share
    from order_values
    inner join highest_values
        on
            order_values.fit = highest_values.fit
            and order_values.snapshot_date = highest_values.snapshot_date
    group by order_values.fit, order_values.snapshot_date
),

-- How far each weight of the typical value would have been off, as a ratio.
value_errors as (
    select
        {% for weight in order_value_weights() -%}
        cast(sum(cast(abs(
            ln(
                ({{ weight }} * typical_values.typical_value + order_values.order_days * order_values.mean_value)
                / ({{ weight }} + order_values.order_days)
            ) - ln(order_values.next_value)
        ) as decimal(28, 12))) as double) as value_error_{{ loop.index0 }},
        {% endfor -%}
        order_values.fit,
        order_values.snapshot_date
    from order_values
    inner join typical_values
        on
            order_values.fit = typical_values.fit
            and order_values.snapshot_date = typical_values.snapshot_date
    where order_values.next_value is not null
    group by order_values.fit, order_values.snapshot_date
),

order_totals as (
    select
        totals.fit,
        totals.snapshot_date,
        totals.history_days,
        totals.orders_next_90,
        totals.mbg_orders_90,
        totals.expected_orders_90,
        {% for weight in order_value_weights() -%}
        value_errors.value_error_{{ loop.index0 }},
        {% endfor -%}
        typical_values.typical_value,
        typical_values.kept_share
    from totals
    inner join typical_values
        on
            totals.fit = typical_values.fit
            and totals.snapshot_date = typical_values.snapshot_date
    left join value_errors
        on
            totals.fit = value_errors.fit
            and totals.snapshot_date = value_errors.snapshot_date
)

select * from order_totals
