-- Prevents: revenue or customers that fall out of the cohorts, for instance an order in a month the
-- calendar lacks.
with

orders as (
    select
        sum(order_revenue) as revenue,
        count(distinct customer_id) as customer_count
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

cohorts as (
    select
        sum(revenue) as revenue,
        sum(case when months_since = 0 then customer_count else 0 end) as customer_count
    from {{ ref('customer_cohorts') }}
)

select
    orders.revenue,
    cohorts.revenue as cohort_revenue,
    orders.customer_count,
    cohorts.customer_count as cohort_customer_count
from orders
cross join cohorts
where
    orders.revenue is distinct from cohorts.revenue
    or orders.customer_count is distinct from coalesce(cohorts.customer_count, 0)
