-- Grain: one row per product of dim_products, those never sold included. Units and money add up; order and customer
-- counts, rates and ranks do not.
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
        sum(case when order_date >= cast({{ dbt.dateadd('day', -365, as_of_date()) }} as date) then quantity else 0 end)
            as unit_count_365,
        sum(case when order_date >= cast({{ dbt.dateadd('day', -365, as_of_date()) }} as date) then line_revenue else 0 end)
            as revenue_365,
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
        coalesce(returns.returned_unit_count, 0) as returned_unit_count,
        coalesce(returns.refund_amount, 0) as refund_amount,
        sales.first_sale_date,
        sales.last_sale_date
    from products
    left join sales
        on products.product_id = sales.product_id
    left join returns
        on products.product_id = returns.product_id
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
        cast(returned_unit_count as bigint) as returned_unit_count,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(returned_unit_count as double) / nullif(unit_count, 0) as return_rate,
        first_sale_date,
        last_sale_date,
        cast(row_number() over (order by unit_count desc, revenue desc, product_id asc) as integer) as units_rank,
        cast(row_number() over (order by revenue desc, product_id asc) as integer) as revenue_rank,
        case
            when margin is not null
                then cast(row_number() over (order by coalesce(margin, -999999999999) desc, product_id asc) as integer)
        end as margin_rank,
        {{ as_of_date() }} as as_of_date
    from measured
)

select * from product_performance
