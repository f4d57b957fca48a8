-- Grain: one row per accepted customer.
with

source as (
    select * from {{ ref('base_shop__customers') }}
),

renamed as (
    select
        ---------- ids
        customer_id,

        ---------- strings
        customer_name,
        email,
        city,
        country,
        loyalty_tier,

        ---------- booleans
        accepts_marketing,

        ---------- dates
        registration_date
    from source
    where record_status = 'accepted'
)

select * from renamed
