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
        tenure_days,
        frequency,
        monetary
    from {{ ref('int_customer_snapshots') }}
    where snapshot_date = {{ as_of_date() }}
),

value_scores as (
    select
        customer_id,
        predicted_orders_90,
        predicted_orders,
        orders_if_staying,
        predicted_order_value,
        kept_share
    from {{ ref('value_scores') }}
    where fit = 'production'
),

next_orders as (
    select
        customer_id,
        earliest_days,
        expected_days,
        latest_days
    from {{ ref('next_order_scores') }}
    where fit = 'production'
),

parameters as (
    select
        model_version,
        parameter_type,
        feature,
        note
    from {{ ref('value_parameters') }}
    where fit = 'production'
),

versions as (
    select
        max(model_version) as model_version,
        max(case when parameter_type = 'status' and feature != 'trained' then note end) as untrained_reason
    from parameters
),

customer_margins as (
    select
        customer_id,
        cast(sum(line_margin) as double) as margin,
        cast(sum(line_revenue) as double) as revenue
    from {{ ref('fct_order_lines') }}
    where not is_cancelled and line_margin is not null
    group by 1
    having sum(line_revenue) > 0
),

most_revenue as (
    select percentile_cont(0.95) within group (order by revenue) as revenue
    from customer_margins
),

-- Each customer's rate by their revenue, but nobody's counts for more than that of the 95th percentile: one slip of the
-- keyboard must not move what is expected of all others.
margins as (
    select
        cast(sum(cast(least(customer_margins.revenue, most_revenue.revenue) * customer_margins.margin / customer_margins.revenue as decimal(28, 6))) as double)
        / cast(sum(cast(least(customer_margins.revenue, most_revenue.revenue) as decimal(28, 6))) as double) as margin_rate
    from customer_margins
    cross join most_revenue
),

customer_value as (
    select
        customer_churn.customer_id,
        {{ money_per('snapshots.monetary', 'snapshots.frequency') }} as average_basket,
        cast(snapshots.frequency * 365 as double) / snapshots.tenure_days as purchase_frequency,
        cast(snapshots.tenure_days as double) / 365 as customer_lifetime,
        -- The lifetime cancels out: what the customer has spent so far.
        coalesce(snapshots.monetary, 0) as historical_clv,
        value_scores.predicted_orders_90,
        value_scores.predicted_orders,
        value_scores.predicted_order_value,
        value_scores.predicted_orders_90 * value_scores.predicted_order_value as predicted_value_90,
        value_scores.predicted_orders * value_scores.predicted_order_value as predicted_value,
        value_scores.kept_share,
        -- Of predicted_profit and value_if_staying the same year, the same goods, the same rate: they differ by the orders only.
        value_scores.predicted_orders * value_scores.predicted_order_value * value_scores.kept_share
        * margins.margin_rate as predicted_profit,
        value_scores.orders_if_staying * value_scores.predicted_order_value * value_scores.kept_share
        * coalesce(margins.margin_rate, 1) as value_if_staying,
        case when customer_churn.score_status = 'scored' then customer_churn.churn_probability end
        * value_scores.orders_if_staying * value_scores.predicted_order_value * value_scores.kept_share
        * coalesce(margins.margin_rate, 1) as money_at_risk,
        case
            when value_scores.customer_id is null then null
            when margins.margin_rate is null then 'revenue'
            else 'margin'
        end as money_basis,
        cast({{ dbt.dateadd('day', 'next_orders.expected_days', as_of_date()) }} as date) as next_order_date,
        cast({{ dbt.dateadd('day', 'next_orders.earliest_days', as_of_date()) }} as date) as next_order_earliest,
        cast({{ dbt.dateadd('day', 'next_orders.latest_days', as_of_date()) }} as date) as next_order_latest,
        case
            when value_scores.customer_id is not null then 'scored'
            when customer_churn.score_status in ('scored', 'no_skill') then 'insufficient_history'
            else customer_churn.score_status
        end as score_status,
        case
            when value_scores.customer_id is not null or customer_churn.score_status not in ('scored', 'no_skill')
                then customer_churn.score_reason
            else 'No model: ' || coalesce(versions.untrained_reason, 'none was trained') || '.'
        end as score_reason,
        coalesce(versions.model_version, 'none') as model_version,
        {{ as_of_date() }} as as_of_date
    from customer_churn
    cross join versions
    cross join margins
    left join snapshots
        on customer_churn.customer_id = snapshots.customer_id
    left join value_scores
        on customer_churn.customer_id = value_scores.customer_id
    left join next_orders
        on customer_churn.customer_id = next_orders.customer_id
)

select * from customer_value
