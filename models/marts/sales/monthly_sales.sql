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
        order_margin,
        costed_revenue
    from {{ ref('fct_orders') }}
    where not is_cancelled
),

refunded_orders as (
    select
        order_id,
        order_revenue,
        costed_revenue
    from {{ ref('fct_orders') }}
    where refund_amount > 0
),

returns as (
    select
        cast({{ dbt.date_trunc('month', 'return_date') }} as date) as month_date,
        return_date,
        order_id,
        product_id,
        quantity,
        refund_amount
    from {{ ref('fct_returns') }}
),

product_prices as (
    select
        product_id,
        cost,
        valid_from_date,
        valid_to_date
    from {{ ref('dim_product_prices') }}
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
        sum(orders.order_margin) as margin,
        sum(orders.costed_revenue) as costed_revenue
    from orders
    left join first_months
        on orders.customer_id = first_months.customer_id
    group by 1
),

-- Units that came back are worth what they would cost that day; of products without a cost neither the margin nor its
-- loss counts. Money without units brings nothing back.
lost_margins as (
    select
        returns.month_date,
        sum(case
            when returns.product_id is not null and returns.quantity is not null
                then returns.refund_amount - returns.quantity * product_prices.cost
            when refunded_orders.order_id is not null
                then {{ money_per('returns.refund_amount * coalesce(refunded_orders.costed_revenue, 0)', 'refunded_orders.order_revenue') }}
            else returns.refund_amount
        end) as lost_margin
    from returns
    left join product_prices
        on
            returns.product_id = product_prices.product_id
            and returns.return_date >= product_prices.valid_from_date
            and returns.return_date < product_prices.valid_to_date
    left join refunded_orders
        on returns.order_id = refunded_orders.order_id
    group by 1
),

measured as (
    select
        months.*,
        coalesce(customers.customer_count, 0) as customer_count,
        coalesce(customers.new_customer_count, 0) as new_customer_count,
        coalesce(customers.new_customer_revenue, 0) as new_customer_revenue,
        coalesce(customers.returning_customer_revenue, 0) as returning_customer_revenue,
        coalesce(customers.guest_revenue, 0) as guest_revenue,
        customers.margin,
        customers.costed_revenue,
        customers.margin - coalesce(lost_margins.lost_margin, 0) as net_margin
    from months
    left join customers
        on months.month_date = customers.month_date
    left join lost_margins
        on months.month_date = lost_margins.month_date
),

compared as (
    select
        measured.*,
        previous_months.revenue as revenue_month_before,
        previous_years.revenue as revenue_year_before,
        -- What grew out of a loss has no rate.
        case when previous_months.margin > 0 then previous_months.margin end as margin_month_before,
        case when previous_years.margin > 0 then previous_years.margin end as margin_year_before
    from measured
    left join measured as previous_months
        on cast({{ dbt.dateadd('month', -1, 'measured.month_date') }} as date) = previous_months.month_date
    left join measured as previous_years
        on cast({{ dbt.dateadd('month', -12, 'measured.month_date') }} as date) = previous_years.month_date
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
        cast(costed_revenue as decimal(18, 2)) as costed_revenue,
        cast(margin as double) / nullif(cast(costed_revenue as double), 0) as margin_rate,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(net_revenue as decimal(18, 2)) as net_revenue,
        cast(net_margin as decimal(18, 2)) as net_margin,
        {{ money_per('revenue', 'order_count') }} as average_order_value,
        cast(revenue as double) / nullif(cast(revenue_month_before as double), 0) - 1 as revenue_growth,
        cast(revenue as double) / nullif(cast(revenue_year_before as double), 0) - 1 as revenue_growth_year,
        cast(margin as double) / cast(margin_month_before as double) - 1 as margin_growth,
        cast(margin as double) / cast(margin_year_before as double) - 1 as margin_growth_year
    from compared
)

select * from monthly_sales
