-- Grain: one row per raw record of a prediction by the API, exact copies included, whether accepted or not.
with

source as (
    {{ raw_records('api_predictions') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_customer_id') }} as written_customer_id,
        {{ written_time('raw_predicted_at', 'api_predictions') }} as written_predicted_at,
        {{ written_time('raw_as_of_date', 'api_predictions') }} as written_as_of_date
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_customer_id', of_customer=true) }} as customer_id,

        ---------- strings
        {{ clean_label('raw_score_status') }} as score_status,
        {{ clean_text('raw_model_version') }} as model_version,

        ---------- numerics
        cast({{ to_amount('raw_churn_probability', 'api_predictions', places=10) }} as double) as churn_probability,

        ---------- dates and timestamps
        {{ local_date(to_utc('raw_as_of_date', 'api_predictions', 'written_as_of_date')) }} as prediction_date,
        {{ to_utc('raw_predicted_at', 'api_predictions', 'written_predicted_at') }} as predicted_at
    from cleaned
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when predicted_at is null then 'invalid_predicted_at'
            when predicted_at > {{ run_started() }} then 'future_date'
            when prediction_date is null then 'invalid_as_of_date'
            when model_version is null then 'missing_model_version'
            when
                {{ is_unreadable('raw_churn_probability', 'churn_probability') }}
                or churn_probability not between 0 and 1
                or (score_status = 'scored' and churn_probability is null)
                then 'invalid_churn_probability'
        end as faulty_rule,
        -- It is answered after the day that it is made as of, and of that day it is.
        coalesce(prediction_date > {{ as_of_date() }}, false) as is_after
    from typed
),

judged as (
    select
        *,
        case
            when faulty_rule is not null then faulty_rule
            when is_after then null
            when
                row_number() over (
                    partition by
                        customer_id, churn_probability, score_status, model_version, prediction_date, predicted_at,
                        faulty_rule
                    order by copy_number, raw_customer_id, raw_churn_probability, raw_score_status, raw_predicted_at, raw_as_of_date
                ) > 1
                then 'exact_duplicate'
        end as broken_rule
    from checked
),

base_shop__api_predictions as (
    select
        customer_id,
        churn_probability,
        score_status,
        model_version,
        prediction_date,
        predicted_at,
        {{ record_status('is_after') }} as record_status,
        copy_number,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('api_predictions') }} end as raw_record
    from judged
)

select * from base_shop__api_predictions
