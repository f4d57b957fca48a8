-- Grain: one row per raw order row, exact copies included, whether accepted or not.
with

reviewed_orders as (
    select {{ order_columns() | join(', ') }}
    from {{ ref('base_shop__reviewed_orders') }}
),

-- The rows of all other orders stand for themselves.
records as (
    {{ order_records('order_id is not null and order_id not in (select reviewed_orders.order_id from reviewed_orders where reviewed_orders.order_id is not null)') }}
),

judged as (
    select
        *,
        1 as order_line_number,
        1 as copy_number,
        coalesce(faulty_rule, mendable_rule) as broken_rule
    from records
),

settled_orders as (
    select
        *,
        {{ line_amount() }} as line_amount,
        {{ record_status('is_after') }} as record_status,
        case when broken_rule is not null then {{ raw_record('orders') }} end as raw_record
    from judged
),

base_shop__orders as (
    select {{ order_columns() | join(', ') }}
    from settled_orders
    union all
    select {{ order_columns() | join(', ') }}
    from reviewed_orders
)

select * from base_shop__orders
