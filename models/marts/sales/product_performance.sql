-- Grain: one row per product of dim_products, those never sold included. Units and money add up; order and customer
-- counts, rates and ranks do not.
{%- set year_start = "cast(" ~ dbt.dateadd('day', -365, as_of_date()) ~ " as date)" %}
{%- set new_days = 90 %}
with

products as (
    select
        product_id,
        product_name,
        category,
        brand
    from {{ ref('dim_products') }}
),

sales as (
    select
        product_id,
        count(distinct order_id) as order_count,
        count(distinct customer_id) as customer_count,
        sum(quantity) as unit_count,
        sum(line_revenue) as revenue,
        sum(line_margin) as margin,
        sum(case when line_margin is not null then line_revenue end) as revenue_of_known_cost,
        sum(case when order_date >= {{ year_start }} then quantity else 0 end) as unit_count_365,
        sum(case when order_date >= {{ year_start }} then line_revenue else 0 end) as revenue_365,
        sum(case when order_date >= {{ year_start }} then line_margin end) as margin_365,
        min(order_date) as first_sale_date,
        max(order_date) as last_sale_date
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
    group by 1
),

returns as (
    select
        product_id,
        sum(quantity) as returned_unit_count,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    where product_id is not null
    group by 1
),

inventory_status as (
    select
        product_id,
        stock_quantity,
        stock_value,
        stock_status
    from {{ ref('inventory_status') }}
),

measured as (
    select
        products.product_id,
        products.product_name,
        products.category,
        products.brand,
        coalesce(sales.order_count, 0) as order_count,
        coalesce(sales.customer_count, 0) as customer_count,
        coalesce(sales.unit_count, 0) as unit_count,
        coalesce(sales.revenue, 0) as revenue,
        sales.margin,
        sales.revenue_of_known_cost,
        coalesce(sales.unit_count_365, 0) as unit_count_365,
        coalesce(sales.revenue_365, 0) as revenue_365,
        sales.margin_365,
        coalesce(returns.returned_unit_count, 0) as returned_unit_count,
        coalesce(returns.refund_amount, 0) as refund_amount,
        sales.first_sale_date,
        sales.last_sale_date,
        {{ dbt.datediff('sales.first_sale_date', as_of_date(), 'day') }} as days_since_first_sale,
        {{ dbt.datediff('sales.last_sale_date', as_of_date(), 'day') }} as days_since_last_sale,
        inventory_status.stock_quantity,
        inventory_status.stock_value,
        inventory_status.stock_status
    from products
    left join sales
        on products.product_id = sales.product_id
    left join returns
        on products.product_id = returns.product_id
    left join inventory_status
        on products.product_id = inventory_status.product_id
),

-- By the days on sale, so that a product of this spring is not held against a whole year of the others.
earnings as (
    select
        *,
        case
            when days_since_first_sale <= {{ new_days }} then 'new'
            when days_since_last_sale <= {{ new_days }} then 'selling'
            when days_since_last_sale <= 365 then 'slow'
            when days_since_last_sale > 365 then 'dormant'
            else 'never_sold'
        end as lifecycle,
        cast(coalesce(margin_365, 0) as double) / least(days_since_first_sale, 365) as margin_per_day,
        cast(revenue_365 as double) / least(days_since_first_sale, 365) as revenue_per_day
    from measured
),

usual as (
    select
        percentile_cont(0.5) within group (order by case when margin_365 is not null then margin_per_day end)
            as margin_per_day,
        percentile_cont(0.5) within group (order by revenue_per_day) as revenue_per_day
    from earnings
    where lifecycle in ('selling', 'slow')
),

judged as (
    select
        earnings.*,
        -- Dormant products have no margin to be held against others, and bring nothing whatever they cost.
        earnings.lifecycle in ('selling', 'slow', 'dormant') and (
            coalesce(earnings.margin_365 < 0, false)
            or (
                coalesce(
                    earnings.stock_status in ('no_demand', 'overstock'),
                    earnings.lifecycle in ('slow', 'dormant')
                )
                and coalesce(case
                    when earnings.margin_365 is not null then earnings.margin_per_day < usual.margin_per_day
                    else earnings.revenue_per_day < usual.revenue_per_day
                end, true)
            )
        ) as is_drop_candidate
    from earnings
    cross join usual
),

product_performance as (
    select
        product_id,
        product_name,
        category,
        brand,
        cast(order_count as integer) as order_count,
        cast(customer_count as integer) as customer_count,
        cast(unit_count as bigint) as unit_count,
        cast(revenue as decimal(18, 2)) as revenue,
        cast(margin as decimal(18, 2)) as margin,
        cast(margin as double) / nullif(cast(revenue_of_known_cost as double), 0) as margin_rate,
        cast(unit_count_365 as bigint) as unit_count_365,
        cast(revenue_365 as decimal(18, 2)) as revenue_365,
        cast(margin_365 as decimal(18, 2)) as margin_365,
        cast(returned_unit_count as bigint) as returned_unit_count,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(returned_unit_count as double) / nullif(unit_count, 0) as return_rate,
        first_sale_date,
        last_sale_date,
        cast(days_since_last_sale as integer) as days_since_last_sale,
        stock_quantity,
        stock_value,
        stock_status,
        lifecycle,
        is_drop_candidate,
        cast(row_number() over (order by unit_count desc, revenue desc, product_id asc) as integer) as units_rank,
        cast(row_number() over (order by revenue desc, product_id asc) as integer) as revenue_rank,
        case
            when margin is not null
                then cast(row_number() over (order by coalesce(margin, -999999999999) desc, product_id asc) as integer)
        end as margin_rank,
        {{ as_of_date() }} as as_of_date
    from judged
)

select * from product_performance
