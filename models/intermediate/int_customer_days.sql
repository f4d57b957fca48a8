-- Grain: one row per customer and day on which they ordered, returned or browsed. Counts and money add
-- up over days; order_day_number and gap_days do not.
with

orders as (
    select
        order_id,
        customer_id,
        order_date,
        order_revenue,
        order_discount
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

order_lines as (
    select
        order_id,
        product_id
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
),

products as (
    select
        product_id,
        category
    from {{ ref('dim_products') }}
),

returns as (
    select
        customer_id,
        return_date,
        -- A refund that only the order's status tells of is money; that and when goods came back is not known.
        count(case when refund_source != 'order_status' then 1 end) as return_count,
        sum(refund_amount) as refund
    from {{ ref('fct_returns') }}
    where customer_id is not null
    group by 1, 2
),

events as (
    select
        customer_id,
        {{ local_date('event_at') }} as event_date,
        count(*) as event_count
    from {{ ref('stg_shop__events') }}
    where customer_id is not null
    group by 1, 2
),

order_days as (
    select
        customer_id,
        order_date,
        count(*) as order_count,
        sum(order_revenue) as revenue,
        sum(order_discount) as discount
    from orders
    group by 1, 2
),

bought_products as (
    select
        orders.customer_id,
        orders.order_date,
        count(distinct order_lines.product_id) as product_count
    from orders
    inner join order_lines
        on orders.order_id = order_lines.order_id
    group by 1, 2
),

first_bought_categories as (
    select
        orders.customer_id,
        products.category,
        min(orders.order_date) as order_date
    from orders
    inner join order_lines
        on orders.order_id = order_lines.order_id
    inner join products
        on order_lines.product_id = products.product_id
    where products.category is not null
    group by 1, 2
),

new_categories as (
    select
        customer_id,
        order_date,
        count(*) as new_category_count
    from first_bought_categories
    group by 1, 2
),

activities as (
    select
        order_days.customer_id,
        order_days.order_date as activity_date,
        order_days.order_count,
        order_days.revenue,
        order_days.discount,
        0 as refund,
        bought_products.product_count,
        coalesce(new_categories.new_category_count, 0) as new_category_count,
        0 as return_count,
        0 as event_count
    from order_days
    inner join bought_products
        on
            order_days.customer_id = bought_products.customer_id
            and order_days.order_date = bought_products.order_date
    left join new_categories
        on
            order_days.customer_id = new_categories.customer_id
            and order_days.order_date = new_categories.order_date
    union all
    select
        customer_id,
        return_date as activity_date,
        0 as order_count,
        0 as revenue,
        0 as discount,
        refund,
        0 as product_count,
        0 as new_category_count,
        return_count,
        0 as event_count
    from returns
    union all
    select
        customer_id,
        event_date as activity_date,
        0 as order_count,
        0 as revenue,
        0 as discount,
        0 as refund,
        0 as product_count,
        0 as new_category_count,
        0 as return_count,
        event_count
    from events
),

days as (
    select
        customer_id,
        activity_date,
        cast(sum(order_count) as integer) as order_count,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(discount) as decimal(18, 2)) as discount,
        cast(sum(refund) as decimal(18, 2)) as refund,
        cast(sum(product_count) as integer) as product_count,
        cast(sum(new_category_count) as integer) as new_category_count,
        cast(sum(return_count) as integer) as return_count,
        cast(sum(event_count) as integer) as event_count
    from activities
    group by 1, 2
),

numbered as (
    select
        *,
        row_number() over (partition by customer_id, order_count > 0 order by activity_date) as day_number,
        lag(activity_date) over (partition by customer_id, order_count > 0 order by activity_date)
            as previous_date
    from days
),

int_customer_days as (
    select
        customer_id,
        activity_date,
        order_count,
        revenue,
        discount,
        refund,
        product_count,
        new_category_count,
        return_count,
        event_count,
        cast(case when order_count > 0 then day_number end as integer) as order_day_number,
        cast(
            case
                when order_count > 0
                    then {{ dbt.datediff('previous_date', 'activity_date', 'day') }}
            end
            as integer
        ) as gap_days
    from numbered
)

select * from int_customer_days
