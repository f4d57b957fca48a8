-- Grain: one row per accepted return.
with

source as (
    {{ records_of_persons('base_shop__returns') }}
),

renamed as (
    select
        ---------- ids
        return_id,
        order_id,
        customer_id,
        product_id,

        ---------- strings
        return_reason,

        ---------- numerics
        quantity,
        refund_amount,

        ---------- timestamps
        returned_at
    from source
    where record_status = 'accepted'
)

select * from renamed
