-- Prevents: an order number used twice, whose lines would all count for one of its customers.
select order_id
from {{ ref('stg_shop__orders') }}
group by 1
having min(customer_id) <> max(customer_id)
