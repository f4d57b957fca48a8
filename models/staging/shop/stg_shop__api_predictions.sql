-- Grain: one row per accepted prediction of the API.
with

source as (
    {{ records_of_persons('base_shop__api_predictions') }}
),

renamed as (
    select
        ---------- ids
        customer_id,

        ---------- strings
        score_status,
        model_version,

        ---------- numerics
        churn_probability,

        ---------- dates and timestamps
        prediction_date,
        predicted_at
    from source
    where record_status = 'accepted'
)

select * from renamed
