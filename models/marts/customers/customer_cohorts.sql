-- Grain: one row per cohort and month since its first. active_customer_count adds up across cohorts, not
-- across months; revenue adds up; customer_count and retention_rate do not.
with

orders as (
    select
        customer_id,
        order_date,
        order_revenue,
        is_first_order
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

calendar as (
    select date_day as month_date
    from {{ ref('dim_dates') }}
    where day_of_month = 1 and date_day < {{ as_of_date() }}
),

first_months as (
    select
        customer_id,
        cast({{ dbt.date_trunc('month', 'order_date') }} as date) as cohort_date
    from orders
    where is_first_order
),

cohorts as (
    select
        cohort_date,
        count(*) as customer_count
    from first_months
    group by 1
),

active_months as (
    select
        first_months.cohort_date,
        cast({{ dbt.date_trunc('month', 'orders.order_date') }} as date) as month_date,
        count(distinct orders.customer_id) as active_customer_count,
        sum(orders.order_revenue) as revenue
    from orders
    inner join first_months
        on orders.customer_id = first_months.customer_id
    group by 1, 2
),

customer_cohorts as (
    select
        cohorts.cohort_date,
        cast(
            {{ dbt.datediff('cohorts.cohort_date', 'calendar.month_date', 'month') }} as integer
        ) as months_since,
        calendar.month_date,
        cast({{ dbt.dateadd('month', 1, 'calendar.month_date') }} as date) <= {{ as_of_date() }}
            as is_whole_month,
        cast(cohorts.customer_count as integer) as customer_count,
        cast(coalesce(active_months.active_customer_count, 0) as integer) as active_customer_count,
        cast(coalesce(active_months.active_customer_count, 0) as double) / cohorts.customer_count
            as retention_rate,
        cast(coalesce(active_months.revenue, 0) as decimal(18, 2)) as revenue,
        {{ as_of_date() }} as as_of_date
    from cohorts
    inner join calendar
        on cohorts.cohort_date <= calendar.month_date
    left join active_months
        on
            cohorts.cohort_date = active_months.cohort_date
            and calendar.month_date = active_months.month_date
)

select * from customer_cohorts
