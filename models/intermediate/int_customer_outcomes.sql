-- Grain: one row per customer and snapshot date: what happened from that date on. Kept apart from
-- int_customer_snapshots so that no outcome can be taken for a feature.
{%- set horizon = var('churn_horizon_days') | int %}
with

snapshots as (
    select
        customer_id,
        snapshot_date
    from {{ ref('int_customer_snapshots') }}
),

snapshot_dates as (
    select
        snapshot_date,
        {{ dbt.dateadd('day', horizon, 'snapshot_date') }} <= {{ as_of_date() }} as is_horizon_over,
        {{ dbt.dateadd('day', 90, 'snapshot_date') }} <= {{ as_of_date() }} as is_quarter_over,
        {{ dbt.dateadd('day', 365, 'snapshot_date') }} <= {{ as_of_date() }} as is_year_over
    from {{ ref('int_snapshot_dates') }}
),

order_days as (
    select
        customer_id,
        activity_date,
        revenue
    from {{ ref('int_customer_days') }}
    where order_count > 0
),

later_orders as (
    select
        order_days.customer_id,
        snapshot_dates.snapshot_date,
        order_days.revenue,
        {{ dbt.datediff('snapshot_dates.snapshot_date', 'order_days.activity_date', 'day') }} as days_later
    from order_days
    inner join snapshot_dates
        on
            order_days.activity_date >= snapshot_dates.snapshot_date
            and order_days.activity_date < {{ dbt.dateadd('day', [365, horizon] | max, 'snapshot_dates.snapshot_date') }}
),

summed as (
    select
        customer_id,
        snapshot_date,
        count(case when days_later < 90 then 1 end) as orders_next_90,
        sum(case when days_later < 90 then revenue else 0 end) as value_next_90,
        count(case when days_later < 365 then 1 end) as orders_next_365,
        sum(case when days_later < 365 then revenue else 0 end) as value_next_365,
        min(days_later) as days_to_next_order
    from later_orders
    group by 1, 2
),

int_customer_outcomes as (
    select
        snapshots.customer_id,
        snapshots.snapshot_date,
        case
            when snapshot_dates.is_horizon_over then coalesce(summed.days_to_next_order >= {{ horizon }}, true)
        end as is_churned,
        cast(case when snapshot_dates.is_quarter_over then coalesce(summed.orders_next_90, 0) end as integer)
            as orders_next_90,
        cast(case when snapshot_dates.is_quarter_over then coalesce(summed.value_next_90, 0) end as decimal(18, 2))
            as value_next_90,
        cast(case when snapshot_dates.is_year_over then coalesce(summed.orders_next_365, 0) end as integer)
            as orders_next_365,
        cast(case when snapshot_dates.is_year_over then coalesce(summed.value_next_365, 0) end as decimal(18, 2))
            as value_next_365,
        cast(summed.days_to_next_order as integer) as days_to_next_order
    from snapshots
    inner join snapshot_dates
        on snapshots.snapshot_date = snapshot_dates.snapshot_date
    left join summed
        on
            snapshots.customer_id = summed.customer_id
            and snapshots.snapshot_date = summed.snapshot_date
)

select * from int_customer_outcomes
