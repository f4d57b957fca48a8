-- Prevents: a sale or return that drops out of every report because its customer is not in the master,
-- and an inferred customer that passes for a registered one.
with

registered as (
    select customer_id
    from {{ ref('stg_shop__customers') }}
),

named as (
    select customer_id
    from registered
    union
    select customer_id
    from {{ ref('fct_order_lines') }}
    where customer_id is not null
    union
    select customer_id
    from {{ ref('stg_shop__returns') }}
    where customer_id is not null
),

expected as (
    select
        named.customer_id,
        registered.customer_id is null as is_inferred
    from named
    left join registered
        on named.customer_id = registered.customer_id
),

published as (
    select
        customer_id,
        is_inferred
    from {{ ref('dim_customers') }}
)

select
    expected.customer_id,
    published.customer_id as published_customer_id,
    expected.is_inferred,
    published.is_inferred as published_is_inferred
from expected
full outer join published
    on expected.customer_id = published.customer_id
where expected.is_inferred is distinct from published.is_inferred
