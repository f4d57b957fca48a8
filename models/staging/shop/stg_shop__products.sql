-- Grain: one row per accepted product.
with

source as (
    select * from {{ ref('base_shop__products') }}
),

renamed as (
    select
        ---------- ids
        product_id,

        ---------- strings
        product_name,
        category,
        brand,

        ---------- numerics
        price,
        cost
    from source
    where record_status = 'accepted'
)

select * from renamed
