-- Prevents: a customer whose orders count and none of which is the first, or whose first order is not
-- the earliest: wrong acquisition dates, cohorts and new-customer counts.
with

customers as (
    select
        customer_id,
        min(ordered_at) as earliest_ordered_at,
        min(case when is_first_order then ordered_at end) as first_ordered_at
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
    group by 1
)

select
    customer_id,
    earliest_ordered_at,
    first_ordered_at
from customers
where earliest_ordered_at is distinct from first_ordered_at
