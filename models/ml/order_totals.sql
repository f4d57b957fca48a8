-- Grain: one row per fit and snapshot date up to the day of the fit. Totals add up over the customers of a
-- date, and so not over dates.
{%- set fits = {
    'backtest': dbt.dateadd('day', -(var('churn_horizon_days') | int), as_of_date()),
    'production': as_of_date(),
} %}
with

sampled as (
    select *
    from {{ ref('int_training_sample') }}
),

newest as (
    select max(as_of_date) as trained_at
    from {{ ref('churn_model') }}
    where as_of_date <= {{ as_of_date() }}
),

parameters as (
    select
        churn_model.fit,
        churn_model.parameter_type,
        churn_model.feature,
        churn_model.value
    from {{ ref('churn_model') }} as churn_model
    inner join newest
        on churn_model.as_of_date = newest.trained_at
    where churn_model.model = 'churn'
),

{% for fit, day in fits.items() -%}
{{ fit }}_parameters as (
    select *
    from parameters
    where fit = '{{ fit }}'
),

{{ fit }}_sample as (
    select
        *,
        snapshot_date < {{ day }} as is_past,
        -- What became of the customer, in place of the probability.
        case when is_churned then 1 else 0 end as churn_probability
    from sampled
    where snapshot_date = {{ day }} or {{ dbt.dateadd('day', 90, 'snapshot_date') }} <= {{ day }}
),

{{ fit }}_features as (
    {{ mbg_features(fit ~ '_sample', fit ~ '_parameters') }}
),

{{ fit }}_orders as (
    {{ expected_orders(fit ~ '_features', [90]) }}
),

{% endfor -%}
order_totals as (
    {% for fit in fits -%}
    select
        '{{ fit }}' as fit,
        snapshot_date,
        max(history_days) as history_days,
        sum(order_days) as order_days,
        cast(sum(monetary) as double) as monetary,
        sum(case when is_past then orders_next_90 end) as orders_next_90,
        -- Decimals, because doubles add up to other bits in another order.
        cast(sum(case when is_past then cast(mbg_orders_90 as decimal(28, 12)) end) as double) as mbg_orders_90,
        cast(sum(case when is_past then cast(expected_orders_90 as decimal(28, 12)) end) as double) as expected_orders_90
    from {{ fit }}_orders
    where mbg_orders_90 is not null
    group by snapshot_date
    {{ 'union all' if not loop.last }}
    {% endfor -%}
)

select * from order_totals
