-- Prevents: a customer with an order who has no segment row, or a segment row of somebody who has none.
with

customer_rfm as (
    select customer_id
    from {{ ref('customer_rfm') }}
),

customer_segments as (
    select customer_id
    from {{ ref('customer_segments') }}
)

select
    customer_rfm.customer_id,
    customer_segments.customer_id as segmented_customer_id
from customer_rfm
full outer join customer_segments
    on customer_rfm.customer_id = customer_segments.customer_id
where customer_rfm.customer_id is distinct from customer_segments.customer_id
