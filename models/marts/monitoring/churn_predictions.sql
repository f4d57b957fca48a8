-- Grain: one row per day of prediction and customer. Kept from build to build, so that each prediction can
-- be held against what came of it.
with

customer_churn as (
    select
        customer_id,
        churn_probability,
        model_version,
        as_of_date
    from {{ ref('customer_churn') }}
    where score_status = 'scored'
),

churn_predictions as (
    select
        customer_id,
        churn_probability,
        model_version,
        as_of_date
    from customer_churn
)

select * from churn_predictions
