-- Grain: one row per product and warehouse.
with

source as (
    select * from {{ ref('base_shop__inventory') }}
),

renamed as (
    select
        ---------- ids
        product_id,
        warehouse_id,

        ---------- numerics
        stock_quantity,

        ---------- timestamps
        last_updated_at
    from source
    where record_status = 'accepted'
)

select * from renamed
