-- Prevents: returns lost, made up or multiplied where orders and prices are joined to them. Only an order whose
-- state says that its money went back may add one of its own.
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
    where refund_source != 'order_status'
),

refunded as (
    select 'ORDER_STATUS-' || order_id as return_id
    from {{ ref('fct_order_lines') }}
    where is_refunded
    group by 1
),

added as (
    select return_id
    from {{ ref('fct_returns') }}
    where refund_source = 'order_status'
)

select
    accepted.return_id,
    published.return_id as published_return_id
from accepted
full outer join published
    on accepted.return_id = published.return_id
where
    accepted.return_id is distinct from published.return_id
    or accepted.quantity is distinct from published.quantity
union all
select
    refunded.return_id,
    added.return_id as published_return_id
from added
left join refunded
    on added.return_id = refunded.return_id
where refunded.return_id is distinct from added.return_id
