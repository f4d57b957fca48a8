-- Grain: one row per raw record of a return, exact copies included, whether accepted or not.
with

source as (
    {{ raw_records('returns') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_return_id') }} as written_return_id,
        {{ clean_id('raw_order_id') }} as written_order_id,
        {{ clean_id('raw_customer_id') }} as written_customer_id,
        {{ clean_id('raw_product_id') }} as written_product_id,
        {{ written_time('raw_return_date', 'returns') }} as written_return_date
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_return_id') }} as return_id,
        {{ known_id('written_order_id') }} as order_id,
        {{ known_id('written_customer_id', of_customer=true) }} as customer_id,
        {{ known_id('written_product_id') }} as product_id,

        ---------- strings
        {{ clean_label('raw_reason') }} as return_reason,

        ---------- numerics
        {{ to_whole_number('raw_quantity', 'returns') }} as quantity,
        {{ to_amount('raw_refund_amount', 'returns') }} as refund_amount,

        ---------- timestamps
        {{ to_utc('raw_return_date', 'returns', 'written_return_date') }} as returned_at
    from cleaned
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when return_id is null then 'missing_return_id'
            when refund_amount < 0 or {{ is_unreadable('raw_refund_amount', 'refund_amount') }}
                then 'invalid_refund_amount'
            -- Money may come back without goods.
            when product_id is null and refund_amount is null then 'missing_product_id'
            when quantity < 0 or {{ is_unreadable('raw_quantity', 'quantity') }} then 'invalid_quantity'
            when coalesce(quantity, 0) = 0 and refund_amount is null then 'invalid_quantity'
            when returned_at is null or returned_at < cast('1990-01-01' as date) then 'invalid_return_date'
            when returned_at > {{ run_started() }} then 'future_date'
        end as faulty_rule,
        coalesce({{ local_date('returned_at') }} >= {{ as_of_date() }}, false) as is_after
    from typed
),

superseded as (
    select
        *,
        case
            when faulty_rule is not null then faulty_rule
            when is_after then null
            when copy_number > 1 then 'exact_duplicate'
            when {{ newest_first(['return_id', 'is_after'], 'returned_at', 'returns') }} > 1
                then 'superseded'
        end as broken_rule
    from checked
),

base_shop__returns as (
    select
        return_id,
        order_id,
        customer_id,
        product_id,
        return_reason,
        nullif(quantity, 0) as quantity,
        refund_amount,
        returned_at,
        {{ record_status('is_after') }} as record_status,
        copy_number,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('returns') }} end as raw_record
    from superseded
)

select * from base_shop__returns
