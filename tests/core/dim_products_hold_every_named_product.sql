-- Prevents: a sale, return or stock that drops out of every report because its product is not in the
-- master, and an inferred product that passes for a known one.
with

mastered as (
    select product_id
    from {{ ref('stg_shop__products') }}
),

named as (
    select product_id
    from mastered
    union
    select product_id
    from {{ ref('fct_order_lines') }}
    union
    select product_id
    from {{ ref('fct_returns') }}
    where product_id is not null
    union
    select product_id
    from {{ ref('fct_inventory') }}
),

expected as (
    select
        named.product_id,
        mastered.product_id is null as is_inferred
    from named
    left join mastered
        on named.product_id = mastered.product_id
),

published as (
    select
        product_id,
        is_inferred
    from {{ ref('dim_products') }}
)

select
    expected.product_id,
    published.product_id as published_product_id,
    expected.is_inferred,
    published.is_inferred as published_is_inferred
from expected
full outer join published
    on expected.product_id = published.product_id
where expected.is_inferred is distinct from published.is_inferred
