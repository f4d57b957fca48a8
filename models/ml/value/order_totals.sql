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
        orders_next_90,
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

order_totals as (
    select
        fit,
        snapshot_date,
        max(history_days) as history_days,
        sum(order_days) as order_days,
        cast(sum(monetary) as double) as monetary,
        sum(case when is_past then orders_next_90 end) as orders_next_90,
        -- Decimals, because doubles add up to other bits in another order.
        cast(sum(case when is_past then cast(mbg_orders_90 as decimal(28, 12)) end) as double) as mbg_orders_90,
        cast(sum(case when is_past then cast(expected_orders_90 as decimal(28, 12)) end) as double) as expected_orders_90
    from expected
    where mbg_orders_90 is not null
    group by fit, snapshot_date
)

select * from order_totals
