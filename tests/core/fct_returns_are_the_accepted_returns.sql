-- Prevents: returns lost or multiplied where orders and prices are joined to them.
with

accepted as (
    select
        return_id,
        quantity
    from {{ ref('stg_shop__returns') }}
),

published as (
    select
        return_id,
        quantity
    from {{ ref('fct_returns') }}
)

select
    accepted.return_id,
    published.return_id as published_return_id,
    accepted.quantity,
    published.quantity as published_quantity
from accepted
full outer join published
    on accepted.return_id = published.return_id
where
    accepted.return_id is distinct from published.return_id
    or accepted.quantity is distinct from published.quantity
