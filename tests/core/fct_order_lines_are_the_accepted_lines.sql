-- Prevents: lines lost or multiplied where prices, statuses and stock are joined to them, which would
-- change every figure of sales.
with

accepted as (
    select
        count(*) as line_count,
        sum(quantity) as quantity
    from {{ ref('stg_shop__orders') }}
),

published as (
    select
        count(*) as line_count,
        sum(quantity) as quantity
    from {{ ref('fct_order_lines') }}
)

select
    accepted.line_count as accepted_line_count,
    published.line_count as published_line_count,
    accepted.quantity as accepted_quantity,
    published.quantity as published_quantity
from accepted
cross join published
where
    accepted.line_count is distinct from published.line_count
    or accepted.quantity is distinct from published.quantity
