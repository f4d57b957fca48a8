-- Grain: one row per accepted event.
with

source as (
    {{ records_of_persons('base_shop__events') }}
),

renamed as (
    select
        ---------- ids
        event_id,
        customer_id,
        session_id,

        ---------- strings
        event_type,

        ---------- timestamps
        event_at
    from source
    where record_status = 'accepted'
)

select * from renamed
