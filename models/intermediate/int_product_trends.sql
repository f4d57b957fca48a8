-- Grain: one row per product that customers had bought and snapshot date. customer_count and recent_customer_count do
-- not add up: a customer buys many products.
-- trend and repeat_share are shares of a product's customers, drawn towards the shop's share as far as products differ no
-- more than by chance: means of a beta-binomial whose spread is told by its second moment (Kleinman 1973, doi
-- 10.1080/01621459.1973.10481332).
{%- set recent_days, offered_days = 30, 90 %}
with

product_purchases as (
    select
        snapshot_date,
        customer_id,
        product_id,
        purchase_days,
        last_purchase_date
    from {{ ref('int_product_purchases') }}
),

product_stock as (
    select
        product_id,
        available_quantity
    from {{ ref('int_product_stock') }}
),

counts as (
    select
        snapshot_date,
        product_id,
        count(*) as customer_count,
        count(case
            when
                last_purchase_date
                >= cast({{ dbt.dateadd('day', -recent_days, 'snapshot_date') }} as date)
                then 1
        end) as recent_customer_count,
        count(case when purchase_days > 1 then 1 end) as repeat_customer_count,
        max(last_purchase_date) as last_sale_date
    from product_purchases
    group by 1, 2
),

{% for share in ['recent', 'repeat'] -%}
{{ share }}_shares as (
    {{ shrunk_share('counts', ['snapshot_date'], 'product_id', share ~ '_customer_count', 'customer_count') }}
),

{% endfor -%}
int_product_trends as (
    select
        counts.snapshot_date,
        counts.product_id,
        cast(counts.customer_count as integer) as customer_count,
        cast(counts.recent_customer_count as integer) as recent_customer_count,
        counts.last_sale_date >= cast({{ dbt.dateadd('day', -offered_days, 'counts.snapshot_date') }} as date)
        and (counts.snapshot_date < {{ as_of_date() }} or coalesce(product_stock.available_quantity > 0, true)) as is_offered,
        recent_shares.shrunk_share as trend,
        repeat_shares.shrunk_share as repeat_share,
        cast(row_number() over (
            partition by counts.snapshot_date
            order by counts.customer_count desc, counts.recent_customer_count desc, counts.product_id asc
        ) as integer) as popularity_rank,
        cast(row_number() over (
            partition by counts.snapshot_date
            order by counts.recent_customer_count desc, counts.customer_count desc, counts.product_id asc
        ) as integer) as recent_rank
    from counts
    inner join recent_shares
        on
            counts.snapshot_date = recent_shares.snapshot_date
            and counts.product_id = recent_shares.product_id
    inner join repeat_shares
        on
            counts.snapshot_date = repeat_shares.snapshot_date
            and counts.product_id = repeat_shares.product_id
    left join product_stock
        on counts.product_id = product_stock.product_id
)

select * from int_product_trends
