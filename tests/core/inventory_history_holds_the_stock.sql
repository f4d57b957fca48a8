-- A history without the newest counts would lose them for good once newer ones take their place.
with

inventory as (
    select
        product_id,
        warehouse_id,
        last_updated_at,
        stock_quantity
    from {{ ref('fct_inventory') }}
    where last_updated_at is not null
),

inventory_history as (
    select
        product_id,
        warehouse_id,
        counted_at,
        stock_quantity
    from {{ ref('fct_inventory_history') }}
)

select
    inventory.product_id,
    inventory.warehouse_id,
    inventory.stock_quantity,
    inventory_history.stock_quantity as history_quantity
from inventory
left join inventory_history
    on
        inventory.product_id = inventory_history.product_id
        and inventory.warehouse_id = inventory_history.warehouse_id
        and inventory.last_updated_at = inventory_history.counted_at
where inventory.stock_quantity is distinct from inventory_history.stock_quantity
