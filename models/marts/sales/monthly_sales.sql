-- Grain: one row per calendar month from the first sale to the day before as_of_date. Orders and money add up;
-- customers, averages and growth do not.
with

daily_sales as (
    select
        cast({{ dbt.date_trunc('month', 'order_date') }} as date) as month_date,
        order_count,
        unit_count,
        revenue,
        refund_amount,
        net_revenue
    from {{ ref('daily_sales') }}
),

orders as (
    select
        customer_id,
        cast({{ dbt.date_trunc('month', 'order_date') }} as date) as month_date,
        is_first_order,
        order_revenue,
        order_margin
    from {{ ref('fct_orders') }}
    where not is_cancelled
),

first_months as (
    select
        customer_id,
        month_date as first_month_date
    from orders
    where is_first_order
),

months as (
    select
        month_date,
        sum(order_count) as order_count,
        sum(unit_count) as unit_count,
        sum(revenue) as revenue,
        sum(refund_amount) as refund_amount,
        sum(net_revenue) as net_revenue
    from daily_sales
    group by 1
),

customers as (
    select
        orders.month_date,
        count(distinct orders.customer_id) as customer_count,
        count(distinct case when orders.month_date = first_months.first_month_date then orders.customer_id end)
            as new_customer_count,
        sum(case when orders.month_date = first_months.first_month_date then orders.order_revenue else 0 end)
            as new_customer_revenue,
        sum(case when orders.month_date > first_months.first_month_date then orders.order_revenue else 0 end)
            as returning_customer_revenue,
        sum(case when orders.customer_id is null then orders.order_revenue else 0 end) as guest_revenue,
        sum(orders.order_margin) as margin
    from orders
    left join first_months
        on orders.customer_id = first_months.customer_id
    group by 1
),

compared as (
    select
        months.*,
        coalesce(customers.customer_count, 0) as customer_count,
        coalesce(customers.new_customer_count, 0) as new_customer_count,
        coalesce(customers.new_customer_revenue, 0) as new_customer_revenue,
        coalesce(customers.returning_customer_revenue, 0) as returning_customer_revenue,
        coalesce(customers.guest_revenue, 0) as guest_revenue,
        customers.margin,
        previous_months.revenue as revenue_month_before,
        previous_years.revenue as revenue_year_before
    from months
    left join customers
        on months.month_date = customers.month_date
    left join months as previous_months
        on cast({{ dbt.dateadd('month', -1, 'months.month_date') }} as date) = previous_months.month_date
    left join months as previous_years
        on cast({{ dbt.dateadd('month', -12, 'months.month_date') }} as date) = previous_years.month_date
),

monthly_sales as (
    select
        month_date,
        cast({{ dbt.dateadd('month', 1, 'month_date') }} as date) <= {{ as_of_date() }} as is_whole_month,
        cast(order_count as integer) as order_count,
        cast(unit_count as bigint) as unit_count,
        cast(customer_count as integer) as customer_count,
        cast(new_customer_count as integer) as new_customer_count,
        cast(customer_count - new_customer_count as integer) as returning_customer_count,
        cast(revenue as decimal(18, 2)) as revenue,
        cast(new_customer_revenue as decimal(18, 2)) as new_customer_revenue,
        cast(returning_customer_revenue as decimal(18, 2)) as returning_customer_revenue,
        cast(guest_revenue as decimal(18, 2)) as guest_revenue,
        cast(margin as decimal(18, 2)) as margin,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(net_revenue as decimal(18, 2)) as net_revenue,
        {{ money_per('revenue', 'order_count') }} as average_order_value,
        cast(revenue as double) / nullif(cast(revenue_month_before as double), 0) - 1 as revenue_growth,
        cast(revenue as double) / nullif(cast(revenue_year_before as double), 0) - 1 as revenue_growth_year
    from compared
)

select * from monthly_sales
