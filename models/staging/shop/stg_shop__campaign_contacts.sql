-- Grain: one row per accepted contact of a campaign with a customer; control groups are in it, who were left alone.
with

source as (
    {{ records_of_persons('base_shop__campaign_contacts') }}
),

renamed as (
    select
        ---------- ids
        customer_id,

        ---------- strings
        campaign,
        campaign_group,

        ---------- timestamps
        contacted_at
    from source
    where record_status = 'accepted'
)

select * from renamed
