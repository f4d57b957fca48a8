-- Grain: one row, the clock of the whole project.
with

orders as (
    select ordered_at
    from {{ ref('base_shop__orders') }}
    where record_status in ('accepted', 'left_out')
),

last_order as (
    select
        -- A shop without an order stands at the first day an order could have.
        coalesce(
            cast({{ dbt.dateadd('day', 1, local_date('max(ordered_at)')) }} as date),
            cast('1990-01-01' as date)
        ) as day_after_last_order
    from orders
),

as_of_date as (
    select
        coalesce({{ as_of_date_setting() }}, day_after_last_order) as as_of_date,
        day_after_last_order
    from last_order
)

select * from as_of_date
