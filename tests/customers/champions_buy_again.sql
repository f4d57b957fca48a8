-- Prevents: scores that are computed correctly and mean nothing. Looked at from 90 days before
-- as_of_date, customers of the best segment must order again within those 90 days more often than
-- customers of the worst. A shop with fewer than 30 customers in either segment gives no verdict.
with

orders as (
    select
        customer_id,
        order_id,
        order_date,
        order_revenue
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

snapshot_dates as (
    select cast({{ dbt.dateadd('day', -90, 'as_of_date') }} as date) as snapshot_date
    from {{ ref('as_of_date') }}
),

scored as (
    {{ rfm_history('orders', 'snapshot_dates') }}
),

buyers as (
    select orders.customer_id
    from orders
    inner join snapshot_dates
        on orders.order_date >= snapshot_dates.snapshot_date
    group by 1
),

segments as (
    select
        rfm_segments.rfm_segment,
        count(*) as customer_count,
        cast(count(buyers.customer_id) as double) / count(*) as repurchase_rate
    from scored
    inner join {{ ref('rfm_segments') }} as rfm_segments
        on
            scored.r_score = rfm_segments.r_score
            and scored.f_score = rfm_segments.f_score
            and scored.m_score = rfm_segments.m_score
    left join buyers
        on scored.customer_id = buyers.customer_id
    where rfm_segments.rfm_segment in ('Champions', 'Lost')
    group by 1
)

select
    champions.repurchase_rate as champions_repurchase_rate,
    lost.repurchase_rate as lost_repurchase_rate
from segments as champions
cross join segments as lost
where
    champions.rfm_segment = 'Champions'
    and lost.rfm_segment = 'Lost'
    and champions.customer_count >= 30
    and lost.customer_count >= 30
    and champions.repurchase_rate <= lost.repurchase_rate
