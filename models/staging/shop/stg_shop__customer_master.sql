-- Grain: one row per customer as the master names them last, on whatever day the shop is looked at:
-- what the snapshot follows, so that replaying a past day does not rewrite history.
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
    where is_newest_record
)

select * from renamed
