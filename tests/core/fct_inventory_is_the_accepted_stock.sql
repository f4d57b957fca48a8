-- Prevents: stock lost or multiplied where products are joined to it.
with

accepted as (
    select
        product_id,
        warehouse_id,
        stock_quantity
    from {{ ref('stg_shop__inventory') }}
),

published as (
    select
        product_id,
        warehouse_id,
        stock_quantity
    from {{ ref('fct_inventory') }}
)

select
    accepted.product_id,
    accepted.warehouse_id,
    accepted.stock_quantity,
    published.stock_quantity as published_stock_quantity
from accepted
full outer join published
    on
        accepted.product_id = published.product_id
        and accepted.warehouse_id = published.warehouse_id
where accepted.stock_quantity is distinct from published.stock_quantity
