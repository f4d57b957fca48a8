-- Grain: one row per customer. Money and predicted orders add up; averages and rates do not.
with

customer_churn as (
    select
        customer_id,
        churn_probability,
        score_status,
        score_reason
    from {{ ref('customer_churn') }}
),

snapshots as (
    select
        customer_id,
        snapshot_date,
        is_eligible,
        recency_days,
        tenure_days,
        frequency,
        monetary,
        order_days
    from {{ ref('int_customer_snapshots') }}
    where snapshot_date = {{ as_of_date() }}
),

eligible as (
    select *
    from snapshots
    where is_eligible
),

parameters as (
    select *
    from {{ ref('model_parameters') }}
    where fit = 'production' and model = 'orders'
),

learnt as (
    select
        max(model_version) as model_version,
        max(case when feature = 'mean_order_value' then value end) as mean_order_value,
        max(case when feature = 'prior_order_days' then value end) as prior_order_days,
        max(case when parameter_type = 'status' and feature != 'trained' then note end) as untrained_reason
    from parameters
),

seasons as (
    select coalesce(max_by(value, snapshot_date), 1) as season
    from parameters
    where parameter_type = 'season' and snapshot_date <= {{ as_of_date() }}
),

margins as (
    select
        cast(sum(line_margin) as double)
        / nullif(cast(sum(case when line_margin is not null then line_revenue end) as double), 0) as margin_rate
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
),

with_mbg as (
    {{ mbg_features('eligible', 'parameters') }}
),

{% for horizon in [90, 365] -%}
daily_orders_{{ horizon }} as (
    select
        customer_id,
        snapshot_date,
        {{ mbg_daily_orders(horizon) }} as log_daily_orders
    from with_mbg
),

scores_{{ horizon }} as (
    {{ score_linear('daily_orders_' ~ horizon, 'parameters', [
        {'feature': 'log_daily_orders', 'transform': 'identity', 'group': 'orders'},
    ]) }}
),

{% endfor -%}
predicted as (
    select
        eligible.customer_id,
        -- A high season cannot hold more orders than the year around it.
        least(90 * exp(scores_90.score) * seasons.season, 365 * exp(scores_365.score)) as predicted_orders_90,
        365 * exp(scores_365.score) as predicted_orders,
        greatest(
            (learnt.prior_order_days * learnt.mean_order_value + cast(eligible.monetary as double))
            / (learnt.prior_order_days + eligible.order_days), 0
        ) as predicted_order_value
    from eligible
    inner join scores_90
        on eligible.customer_id = scores_90.customer_id
    inner join scores_365
        on eligible.customer_id = scores_365.customer_id
    cross join learnt
    cross join seasons
),

customer_value as (
    select
        customer_churn.customer_id,
        {{ money_per('snapshots.monetary', 'snapshots.frequency') }} as average_basket,
        cast(snapshots.frequency * 365 as double) / snapshots.tenure_days as purchase_frequency,
        cast(snapshots.tenure_days as double) / 365 as customer_lifetime,
        -- The lifetime cancels out: what the customer has spent so far.
        coalesce(snapshots.monetary, 0) as historical_clv,
        predicted.predicted_orders_90,
        predicted.predicted_orders,
        predicted.predicted_order_value,
        predicted.predicted_orders_90 * predicted.predicted_order_value as predicted_value_90,
        predicted.predicted_orders * predicted.predicted_order_value as predicted_value,
        predicted.predicted_orders * predicted.predicted_order_value * margins.margin_rate as predicted_profit,
        customer_churn.churn_probability * predicted.predicted_orders * predicted.predicted_order_value
        * margins.margin_rate as money_at_risk,
        case
            when predicted.customer_id is not null then 'scored'
            when customer_churn.score_status = 'scored' then 'insufficient_history'
            else customer_churn.score_status
        end as score_status,
        case
            when predicted.customer_id is not null or customer_churn.score_status != 'scored'
                then customer_churn.score_reason
            else 'No model: ' || coalesce(learnt.untrained_reason, 'none was trained') || '.'
        end as score_reason,
        coalesce(learnt.model_version, 'none') as model_version,
        {{ as_of_date() }} as as_of_date
    from customer_churn
    cross join learnt
    cross join margins
    left join snapshots
        on customer_churn.customer_id = snapshots.customer_id
    left join predicted
        on customer_churn.customer_id = predicted.customer_id
)

select * from customer_value
