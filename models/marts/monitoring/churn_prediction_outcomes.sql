-- Grain: one row per day of prediction, origin and model version. Counts add up; rates do not.
with

predictions as (
    select
        customer_id,
        churn_probability,
        model_version,
        origin,
        as_of_date as prediction_date,
        cast({{ dbt.dateadd('day', var('churn_horizon_days') | int, 'as_of_date') }} as date) as horizon_end_date
    from {{ ref('churn_predictions') }}
    where as_of_date <= {{ as_of_date() }}
),

customers as (
    select customer_id
    from {{ ref('dim_customers') }}
),

orders as (
    select
        predictions.prediction_date,
        predictions.customer_id
    from predictions
    inner join {{ ref('int_customer_days') }} as customer_days
        on
            predictions.customer_id = customer_days.customer_id
            and predictions.prediction_date <= customer_days.activity_date
            and predictions.horizon_end_date > customer_days.activity_date
    where customer_days.order_count > 0
    group by 1, 2
),

judged as (
    select
        predictions.prediction_date,
        predictions.horizon_end_date,
        predictions.model_version,
        predictions.origin,
        customers.customer_id is not null as is_known,
        case when customers.customer_id is not null then predictions.churn_probability end as churn_probability,
        case
            when customers.customer_id is null then null
            when predictions.horizon_end_date > {{ as_of_date() }} then null
            when orders.customer_id is null then 1
            else 0
        end as churned
    from predictions
    left join customers
        on predictions.customer_id = customers.customer_id
    left join orders
        on
            predictions.prediction_date = orders.prediction_date
            and predictions.customer_id = orders.customer_id
),

churn_prediction_outcomes as (
    select
        prediction_date,
        horizon_end_date,
        origin,
        model_version,
        horizon_end_date <= {{ as_of_date() }} as is_over,
        cast(count(case when is_known then 1 end) as integer) as customers,
        cast(count(case when not is_known then 1 end) as integer) as unknown_customers,
        cast(sum(churned) as integer) as churners,
        cast(sum(cast(churn_probability as decimal(28, 15))) as double) / nullif(count(churn_probability), 0) as predicted_rate,
        cast(sum(churned) as double) / nullif(count(churned), 0) as observed_rate,
        cast(sum(cast(
            (churn_probability - churned) * (churn_probability - churned) as decimal(28, 15)
        )) as double) / nullif(count(churned), 0) as brier_score,
        {{ as_of_date() }} as as_of_date
    from judged
    group by 1, 2, 3, 4, 5
)

select * from churn_prediction_outcomes
