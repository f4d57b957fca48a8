-- Grain: one row per distinct raw record of an order line, whether accepted or not.
-- base_shop__order_rows is named three times instead of imported once, because DuckDB would copy an
-- import that is read three times.
with

-- Copies of a row, and lines of one order and product, share their key. Few keys stand in several
-- rows, so only these are sorted: on ten million rows a tenth of the work of sorting all.
repeated_keys as (
    select key_hash
    from {{ ref('base_shop__order_rows') }}
    group by 1
    having count(*) > 1
),

single_rows as (
    select
        order_id,
        customer_id,
        product_id,
        shipping_address,
        order_status,
        channel,
        quantity,
        unit_price,
        discount_amount,
        ordered_at,
        record_status,
        broken_rule,
        raw_record,
        1 as record_count,
        1 as order_line_number
    from {{ ref('base_shop__order_rows') }}
    where key_hash not in (select repeated_keys.key_hash from repeated_keys)
),

repeated_rows as (
    select
        order_id,
        customer_id,
        product_id,
        shipping_address,
        order_status,
        channel,
        quantity,
        unit_price,
        discount_amount,
        ordered_at,
        record_status,
        broken_rule,
        raw_record,
        key_hash,
        record_hash,
        count(*) over (partition by key_hash, record_hash) as record_count,
        row_number() over (partition by key_hash, record_hash order by ordered_at) as copy_number
    from {{ ref('base_shop__order_rows') }}
    where key_hash in (select repeated_keys.key_hash from repeated_keys)
),

numbered_rows as (
    select
        order_id,
        customer_id,
        product_id,
        shipping_address,
        order_status,
        channel,
        quantity,
        unit_price,
        discount_amount,
        ordered_at,
        record_status,
        broken_rule,
        raw_record,
        record_count,
        row_number() over (
            partition by order_id, product_id
            order by
                ordered_at, customer_id, quantity, unit_price, discount_amount,
                order_status, channel, shipping_address, record_status, raw_record, record_hash
        ) as order_line_number
    from repeated_rows
    where copy_number = 1
),

base_shop__orders as (
    select * from single_rows
    union all
    select * from numbered_rows
)

select * from base_shop__orders
