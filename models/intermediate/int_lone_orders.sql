-- Grain: one row per end of the shop's history at which a few orders stand alone, far from all others.
with

order_lines as (
    select
        order_id,
        order_date,
        is_cancelled,
        line_revenue
    from {{ ref('fct_order_lines') }}
),

order_days as (
    select
        order_date,
        count(distinct order_id) as order_count,
        sum(case when not is_cancelled then line_revenue else 0 end) as amount
    from order_lines
    group by 1
),

{% for edge, direction in {'last': 'asc', 'first': 'desc'}.items() -%}
{{ edge }}_gaps as (
    select
        order_date,
        abs({{ dbt.datediff('lag(order_date) over (order by order_date ' ~ direction ~ ')', 'order_date', 'day') }})
            as gap_days,
        sum(order_count) over (order by order_date {{ direction }} rows between unbounded preceding and current row)
        - order_count as orders_before,
        sum(order_count) over () as orders_in_all,
        sum(amount) over () - sum(amount) over (
            order by order_date {{ direction }} rows between unbounded preceding and current row
        ) + amount as amount
    from order_days
),

{{ edge }}_gaps_compared as (
    select
        *,
        -- Not the gap after a few at the other end, which may stand alone themselves.
        max(case when orders_before > greatest(1, orders_in_all / cast(1000 as double)) then gap_days end) over (
            order by order_date {{ direction }} rows between unbounded preceding and 1 preceding
        ) as widest_gap_before
    from {{ edge }}_gaps
),

lone_{{ edge }}_orders as (
    select
        'lone_{{ edge }}_order' as alarm,
        cast(order_date as varchar) as detail,
        orders_in_all - orders_before as record_count,
        amount,
        cast(orders_in_all - orders_before as double) / orders_in_all as share
    from {{ edge }}_gaps_compared
    where
        gap_days > {{ var('lone_' ~ edge ~ '_order_days') }}
        -- A shop that sells once a month has gaps of a month.
        and gap_days > 3 * coalesce(widest_gap_before, 0)
        and orders_before >= 3
        and orders_in_all - orders_before <= greatest(1, orders_in_all / cast(1000 as double))
),

{% endfor -%}
int_lone_orders as (
    select * from lone_last_orders
    union all
    select * from lone_first_orders
)

select * from int_lone_orders
