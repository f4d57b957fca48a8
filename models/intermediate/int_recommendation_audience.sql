-- Grain: one row per snapshot date and customer to recommend products to: on as_of_date everybody; on the past date
-- sampled customers who had bought before and did since, the first in the order of a hash of their id, so that looking
-- back costs the same however large the shop is.
{%- set past_customer_count = 10000 %}
with

customers as (
    select
        snapshot_date,
        customer_id,
        max(last_purchase_date) as last_purchase_date
    from {{ ref('int_product_purchases') }}
    group by 1, 2
),

past_customers as (
    select
        past.snapshot_date,
        past.customer_id,
        row_number() over (order by {{ dbt.hash('past.customer_id') }}, past.customer_id) as place
    from customers as past
    inner join customers as today
        on
            past.customer_id = today.customer_id
            and past.snapshot_date <= today.last_purchase_date
    where past.snapshot_date < {{ as_of_date() }} and today.snapshot_date = {{ as_of_date() }}
),

int_recommendation_audience as (
    select
        {{ as_of_date() }} as snapshot_date,
        customer_id,
        false as is_past
    from {{ ref('dim_customers') }}
    union all
    select
        snapshot_date,
        customer_id,
        true as is_past
    from past_customers
    where place <= {{ past_customer_count }}
)

select * from int_recommendation_audience
