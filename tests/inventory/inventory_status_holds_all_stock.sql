-- Prevents: stock that drops out of the report of what is low.
select
    status.stock_quantity,
    counted.stock_quantity as counted_quantity
from (select sum(stock_quantity) as stock_quantity from {{ ref('inventory_status') }}) as status
cross join (select sum(stock_quantity) as stock_quantity from {{ ref('fct_inventory') }}) as counted
where status.stock_quantity is distinct from counted.stock_quantity
