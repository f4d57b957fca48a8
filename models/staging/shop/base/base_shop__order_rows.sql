-- Grain: one row per raw order row, exact copies included, whether accepted or not. One pass over the
-- largest file: what needs a second look at a row (copies, numbering) is done in base_shop__orders.
with

source as (
    select
        order_id as raw_order_id,
        customer_id as raw_customer_id,
        product_id as raw_product_id,
        quantity as raw_quantity,
        order_date as raw_order_date,
        shipping_address as raw_shipping_address,
        unit_price as raw_unit_price,
        discount_amount as raw_discount_amount,
        order_status as raw_order_status,
        channel as raw_channel,
        order_line_id as raw_order_line_id,
        updated_at as raw_updated_at,
        line_total as raw_line_total,
        currency as raw_currency,
        landing_rule,
        landing_record as raw_landing_record
    from {{ source('shop', 'orders') }}
),

typed as (
    select
        *,

        ---------- ids
        {{ clean_id('raw_order_id') }} as order_id,
        {{ clean_id('raw_customer_id') }} as customer_id,
        {{ clean_id('raw_product_id') }} as product_id,

        ---------- strings
        {{ clean_text('raw_shipping_address') }} as shipping_address,
        {{ clean_label('raw_order_status') }} as order_status,
        {{ clean_label('raw_channel') }} as channel,

        ---------- numerics
        {{ to_whole_number('raw_quantity') }} as quantity,
        {{ to_amount('raw_unit_price') }} as unit_price,
        {{ to_amount('raw_discount_amount') }} as discount_amount,

        ---------- timestamps
        {{ to_utc('raw_order_date') }} as ordered_at
    from source
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when order_id is null then 'missing_order_id'
            when product_id is null then 'missing_product_id'
            when coalesce(quantity, 0) <= 0 then 'invalid_quantity'
            when ordered_at is null then 'invalid_order_date'
            when ordered_at < cast('1990-01-01' as date) then 'order_date_before_1990'
            when ordered_at > {{ run_started() }} then 'future_date'
            when unit_price < 0 or {{ is_unreadable('raw_unit_price', 'unit_price') }}
                then 'invalid_unit_price'
            when discount_amount < 0 or {{ is_unreadable('raw_discount_amount', 'discount_amount') }}
                then 'invalid_discount_amount'
            -- More than the line is worth; a cent for rounding, and doubles, which do not overflow.
            when discount_amount > cast(quantity as double) * cast(unit_price as double) + 0.01
                then 'invalid_discount_amount'
        end as broken_rule
    from typed
),

base_shop__order_rows as (
    select
        order_id,
        customer_id,
        product_id,
        shipping_address,
        order_status,
        channel,
        quantity,
        unit_price,
        coalesce(discount_amount, 0) as discount_amount,
        ordered_at,
        {{ record_status("ordered_at >= " ~ as_of_date_setting()) }} as record_status,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('orders') }} end as raw_record,
        -- Exact copies agree in both hashes; rows that could be copies or need a number agree in the first.
        hash(order_id, product_id) as key_hash,
        hash(
            raw_order_id, raw_customer_id, raw_product_id, raw_quantity, raw_order_date, raw_shipping_address,
            raw_unit_price, raw_discount_amount, raw_order_status, raw_channel, raw_order_line_id, raw_updated_at,
            raw_line_total, raw_currency, raw_landing_record, landing_rule
        ) as record_hash
    from checked
)

select * from base_shop__order_rows
