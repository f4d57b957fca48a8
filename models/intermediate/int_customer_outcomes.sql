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
        {% for days in [horizon, 90, 365] | unique -%}
        {{ dbt.dateadd('day', days, 'snapshot_date') }} <= {{ as_of_date() }} as is_over_{{ days }},
        {% endfor -%}
        snapshot_date
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
        {% for days in [horizon, 90, 365] | unique -%}
        count(case when days_later < {{ days }} then 1 end) as orders_{{ days }},
        sum(case when days_later < {{ days }} then revenue else 0 end) as value_{{ days }},
        {% endfor -%}
        min(days_later) as days_to_next_order
    from later_orders
    group by 1, 2
),

int_customer_outcomes as (
    select
        snapshots.customer_id,
        snapshots.snapshot_date,
        case when snapshot_dates.is_over_{{ horizon }} then coalesce(summed.days_to_next_order >= {{ horizon }}, true) end
            as is_churned,
        cast(case when snapshot_dates.is_over_{{ horizon }} then coalesce(summed.orders_{{ horizon }}, 0) end as integer)
            as orders_in_horizon,
        {% for days in [90, 365] -%}
        cast(case when snapshot_dates.is_over_{{ days }} then coalesce(summed.orders_{{ days }}, 0) end as integer)
            as orders_next_{{ days }},
        cast(case when snapshot_dates.is_over_{{ days }} then coalesce(summed.value_{{ days }}, 0) end as decimal(18, 2))
            as value_next_{{ days }},
        {% endfor -%}
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
