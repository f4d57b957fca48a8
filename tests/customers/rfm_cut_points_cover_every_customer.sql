-- Prevents: published cut points that were computed on other customers than the scores.
with

customers as (
    select count(*) as customer_count
    from {{ ref('customer_rfm') }}
),

cut_points as (
    select
        metric,
        sum(customer_count) as customer_count
    from {{ ref('rfm_cut_points') }}
    group by 1
)

select
    cut_points.metric,
    cut_points.customer_count,
    customers.customer_count as rfm_customer_count
from customers
left join cut_points
    on customers.customer_count > 0
where
    cut_points.customer_count is distinct from customers.customer_count
    and customers.customer_count > 0
