-- Grain: one row per stock count that was landed, copies apart.
with

source as (
    select * from {{ ref('base_shop__inventory') }}
),

renamed as (
    select
        ---------- ids
        product_id,
        warehouse_id,

        ---------- strings
        record_status,

        ---------- numerics
        stock_quantity,

        ---------- timestamps
        last_updated_at
    from source
    -- What a newer count took the place of was true in its day.
    where record_status = 'accepted' or broken_rule = 'superseded'
)

select * from renamed
