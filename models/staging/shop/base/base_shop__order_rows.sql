-- Grain: one row per raw order row, exact copies included, whether accepted or not. One pass over the
-- largest file, which looks at each row alone: what depends on the other rows of an order is done for the few
-- orders that need it, in base_shop__reviewed_orders.
with

source as (
    select
        order_id as raw_order_id,
        order_line_id as raw_order_line_id,
        customer_id as raw_customer_id,
        product_id as raw_product_id,
        quantity as raw_quantity,
        order_date as raw_order_date,
        updated_at as raw_updated_at,
        shipping_address as raw_shipping_address,
        unit_price as raw_unit_price,
        discount_amount as raw_discount_amount,
        line_total as raw_line_total,
        currency as raw_currency,
        order_status as raw_order_status,
        channel as raw_channel,
        landing_rule,
        landing_record as raw_landing_record,
        landing_rest
    from {{ source('shop', 'orders') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_order_id') }} as written_order_id,
        {{ clean_id('raw_order_line_id') }} as written_order_line_id,
        {{ clean_id('raw_customer_id') }} as written_customer_id,
        {{ clean_id('raw_product_id') }} as written_product_id,
        {{ written_time('raw_order_date', 'orders') }} as written_order_date,
        {{ written_time('raw_updated_at', 'orders') }} as written_updated_at
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_order_id') }} as order_id,
        -- Lines may be counted from 0.
        case when written_order_line_id = '0' then '0' else {{ known_id('written_order_line_id') }} end as order_line_id,
        {{ known_id('written_customer_id', of_customer=true) }} as customer_id,
        {{ known_id('written_product_id') }} as product_id,

        ---------- strings
        {{ clean_text('raw_shipping_address') }} as shipping_address,
        {{ clean_label('raw_order_status') }} as order_status,
        {{ clean_label('raw_channel') }} as channel,
        upper({{ clean_code('raw_currency') }}) as currency,

        ---------- numerics
        {{ to_whole_number('raw_quantity', 'orders') }} as quantity,
        {{ to_amount('raw_unit_price', 'orders', places=10) }} as written_unit_price,
        {{ to_amount('raw_discount_amount', 'orders') }} as written_discount_amount,
        {{ to_amount('raw_line_total', 'orders') }} as line_total,

        ---------- timestamps
        {{ to_utc('raw_order_date', 'orders', 'written_order_date') }} as ordered_at,
        {{ to_utc('raw_updated_at', 'orders', 'written_updated_at') }} as updated_at
    from cleaned
),

amounts as (
    select
        *,
        coalesce(written_discount_amount, 0) as discount_amount,
        -- A line's total holds, whatever its price says.
        case
            when line_total is not null and quantity > 0
                then cast(round(
                    (cast(line_total as double) + coalesce(cast(written_discount_amount as double), 0)) / quantity, 8
                ) as decimal(38, 10))
            else written_unit_price
        end as unit_price
    from typed
),

checked as (
    select
        *,
        {{ is_forgotten('customer_id') }} as is_forgotten,
        case
            when landing_rule is not null then landing_rule
            when order_id is null then 'missing_order_id'
            when product_id is null then 'missing_product_id'
            when coalesce(quantity, 0) <= 0 then 'invalid_quantity'
            when ordered_at is null and {{ clean_text('raw_order_date') }} is not null then 'invalid_order_date'
            when ordered_at < cast('1990-01-01' as date) then 'order_date_before_1990'
            when ordered_at > {{ run_started() }} then 'future_date'
            when written_unit_price < 0 or {{ is_unreadable('raw_unit_price', 'written_unit_price') }}
                then 'invalid_unit_price'
            when written_discount_amount < 0 or {{ is_unreadable('raw_discount_amount', 'written_discount_amount') }}
                then 'invalid_discount_amount'
            when line_total < 0 or {{ is_unreadable('raw_line_total', 'line_total') }} then 'invalid_line_total'
        end as faulty_rule,
        -- What another row of the order may mend: a date that stands on its first line only, and a discount on
        -- the order that stands on one line. A cent for rounding, and doubles, which do not overflow.
        case
            when ordered_at is null then 'invalid_order_date'
            when
                line_total is null
                and discount_amount > cast(quantity as double) * cast(unit_price as double) + 0.01
                then 'invalid_discount_amount'
        end as mendable_rule
    from amounts
),

base_shop__order_rows as (
    select
        order_id,
        order_line_id,
        -- The order stays, as a guest's.
        case when not is_forgotten then customer_id end as customer_id,
        customer_id is null and written_customer_id is not null as is_placeholder_customer,
        product_id,
        case when not is_forgotten then shipping_address end as shipping_address,
        order_status,
        channel,
        quantity,
        unit_price,
        discount_amount,
        line_total,
        currency,
        ordered_at,
        updated_at,
        coalesce(
            {{ local_date('ordered_at') }} >= {{ as_of_date_setting() }}
            or {{ local_date('updated_at') }} >= {{ as_of_date_setting() }},
            false
        ) as is_after,
        faulty_rule,
        mendable_rule,
        -- The raw texts, for the record of a row that is rejected; null where the kept form is the same text.
        nullif(raw_order_id, order_id) as raw_order_id,
        nullif(raw_order_line_id, order_line_id) as raw_order_line_id,
        case when not is_forgotten then nullif(raw_customer_id, customer_id) end as raw_customer_id,
        nullif(raw_product_id, product_id) as raw_product_id,
        case when not is_forgotten then nullif(raw_shipping_address, shipping_address) end as raw_shipping_address,
        nullif(raw_order_status, order_status) as raw_order_status,
        nullif(raw_channel, channel) as raw_channel,
        nullif(raw_currency, currency) as raw_currency,
        raw_quantity,
        raw_unit_price,
        raw_discount_amount,
        raw_line_total,
        raw_order_date,
        raw_updated_at,
        raw_landing_record,
        landing_rest,
        landing_rule
    from checked
)

select * from base_shop__order_rows
