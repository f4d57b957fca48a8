-- Grain: one row per accepted line of an order.
with

source as (
    {{ records_of_persons('base_shop__orders') }}
),

renamed as (
    select
        ---------- ids
        order_id,
        order_line_id,
        order_line_number,
        customer_id,
        product_id,

        ---------- strings
        order_status,
        channel,
        shipping_address,
        currency,

        ---------- numerics
        quantity,
        unit_price,
        discount_amount,
        line_total,

        ---------- timestamps
        ordered_at,
        updated_at
    from source
    where record_status = 'accepted'
)

select * from renamed
