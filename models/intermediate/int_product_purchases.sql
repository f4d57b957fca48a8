-- Grain: one row per customer, product that they had bought and snapshot date: as_of_date, and the newest day whose
-- next 90 days are over. On that day only sampled customers stand, whole ones in the order of a hash of their id, so
-- that looking back costs the same however large the shop is. Nothing adds up across snapshot dates.
{%- set outcome_days, count_half_life, recency_half_life = 90, 480, 365 %}
{%- set past_date = "cast(" ~ dbt.dateadd('day', -outcome_days, as_of_date()) ~ " as date)" %}
with

purchase_days as (
    select
        customer_id,
        product_id,
        order_date
    from {{ ref('fct_order_lines') }}
    where not is_cancelled and customer_id is not null
    group by 1, 2, 3
),

product_counts as (
    select
        customer_id,
        count(distinct product_id) as product_count
    from purchase_days
    group by 1
),

customers as (
    select
        customer_id,
        sum(product_count) over (
            order by {{ dbt.hash('customer_id') }}, customer_id
            rows between unbounded preceding and current row
        ) <= {{ var('recommendation_sample_rows') }} as is_sampled
    from product_counts
),

known as (
    select
        {{ as_of_date() }} as snapshot_date,
        purchase_days.customer_id,
        purchase_days.product_id,
        purchase_days.order_date,
        customers.is_sampled
    from purchase_days
    inner join customers
        on purchase_days.customer_id = customers.customer_id
    union all
    select
        {{ past_date }} as snapshot_date,
        purchase_days.customer_id,
        purchase_days.product_id,
        purchase_days.order_date,
        customers.is_sampled
    from purchase_days
    inner join customers
        on purchase_days.customer_id = customers.customer_id
    where customers.is_sampled and purchase_days.order_date < {{ past_date }}
),

int_product_purchases as (
    select
        snapshot_date,
        customer_id,
        product_id,
        is_sampled,
        cast(count(*) as integer) as purchase_days,
        max(order_date) as last_purchase_date,
        -- Decimals, because doubles add up to other bits in another order.
        sum(cast(
            power(0.5, cast({{ dbt.datediff('order_date', 'snapshot_date', 'day') }} as double) / {{ count_half_life }})
            as decimal(18, 12)
        )) as decayed_purchases,
        max(cast(
            power(0.5, cast({{ dbt.datediff('order_date', 'snapshot_date', 'day') }} as double) / {{ recency_half_life }})
            as decimal(18, 12)
        )) as recency_weight
    from known
    group by 1, 2, 3, 4
)

select * from int_product_purchases
