-- Grain: one row per day of prediction, customer and origin. Kept from build to build, so that each prediction can
-- be held against what came of it.
with

build_predictions as (
    select
        customer_id,
        churn_probability,
        model_version,
        'build' as origin,
        as_of_date
    from {{ ref('customer_churn') }}
    where score_status = 'scored'
),

api_answers as (
    select
        customer_id,
        churn_probability,
        model_version,
        'api' as origin,
        prediction_date as as_of_date,
        row_number() over (
            partition by prediction_date, customer_id
            order by predicted_at desc, model_version desc, churn_probability desc
        ) as answer_rank
    from {{ ref('stg_shop__api_predictions') }}
    where
        score_status = 'scored'
        and customer_id is not null
),

churn_predictions as (
    select
        customer_id,
        churn_probability,
        model_version,
        origin,
        as_of_date
    from build_predictions
    union all
    select
        customer_id,
        churn_probability,
        model_version,
        origin,
        as_of_date
    from api_answers
    where answer_rank = 1
)

select * from churn_predictions
