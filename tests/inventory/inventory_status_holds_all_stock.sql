-- Prevents: stock that drops out of the report of what is low.
with

status as (
    select sum(stock_quantity) as stock_quantity
    from {{ ref('inventory_status') }}
),

counted as (
    select sum(stock_quantity) as stock_quantity
    from {{ ref('fct_inventory') }}
)

select
    status.stock_quantity,
    counted.stock_quantity as counted_quantity
from status
cross join counted
where status.stock_quantity is distinct from counted.stock_quantity
