-- Grain: one row per product and warehouse: the newest count. Quantities and values add up.
with

inventory as (
    select
        product_id,
        warehouse_id,
        stock_quantity,
        last_updated_at
    from {{ ref('stg_shop__inventory') }}
),

products as (
    select
        product_id,
        unit_cost,
        is_low_stock
    from {{ ref('dim_products') }}
),

fct_inventory as (
    select
        inventory.product_id,
        inventory.warehouse_id,
        inventory.last_updated_at,
        inventory.stock_quantity,
        cast(cast(inventory.stock_quantity as bigint) * products.unit_cost as decimal(18, 2)) as stock_value,
        products.is_low_stock
    from inventory
    left join products
        on inventory.product_id = products.product_id
)

select * from fct_inventory
