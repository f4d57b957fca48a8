-- Prevents: scores that are computed correctly and mean nothing. Looked at from one churn
-- horizon before as_of_date, customers of the best segment must order again within it more often than
-- customers of the worst. With fewer than 30 customers in either segment, or fewer than 30 who ordered
-- at all within the horizon, there is no verdict; without a segment of either name there never would be, and it says so. It warns: a shop whose customers behave otherwise is no bad input.
{{ config(severity='warn') }}
with

orders as (
    select
        customer_id,
        order_date
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

snapshot_dates as (
    select
        cast({{ dbt.dateadd('day', -var('churn_horizon_days') | int, 'as_of_date') }} as date)
            as snapshot_date
    from {{ ref('as_of_date') }}
),

scored as (
    select
        snapshots.customer_id,
        snapshots.r_score,
        snapshots.f_score,
        snapshots.m_score
    from {{ ref('int_customer_snapshots') }} as snapshots
    inner join snapshot_dates
        on snapshots.snapshot_date = snapshot_dates.snapshot_date
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
),

named as (
    select
        count(case when rfm_segment = 'Champions' then 1 end) as champions_codes,
        count(case when rfm_segment = 'Lost' then 1 end) as lost_codes
    from {{ ref('rfm_segments') }}
)

select
    'Champions order again no more often than Lost' as problem,
    champions.repurchase_rate as champions_repurchase_rate,
    lost.repurchase_rate as lost_repurchase_rate
from segments as champions
cross join segments as lost
where
    champions.rfm_segment = 'Champions'
    and lost.rfm_segment = 'Lost'
    and champions.customer_count >= 30
    and lost.customer_count >= 30
    and (select count(*) from buyers) >= 30
    and champions.repurchase_rate <= lost.repurchase_rate
union all
select
    'no RFM code is called Champions, or none Lost: name the best and the worst segment in this test' as problem,
    null as champions_repurchase_rate,
    null as lost_repurchase_rate
from named
where champions_codes = 0 or lost_codes = 0
