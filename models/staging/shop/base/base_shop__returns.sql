-- Grain: one row per distinct raw record of a return, whether accepted or not.
with

source as (
    {{ raw_records('returns') }}
),

typed as (
    select
        *,

        ---------- ids
        {{ clean_id('raw_return_id') }} as return_id,
        {{ clean_id('raw_order_id') }} as order_id,
        {{ clean_id('raw_customer_id') }} as customer_id,
        {{ clean_id('raw_product_id') }} as product_id,

        ---------- strings
        {{ clean_label('raw_reason') }} as return_reason,

        ---------- numerics
        {{ to_whole_number('raw_quantity') }} as quantity,

        ---------- timestamps
        {{ to_utc('raw_return_date') }} as returned_at
    from source
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when return_id is null then 'missing_return_id'
            when product_id is null then 'missing_product_id'
            when coalesce(quantity, 0) <= 0 then 'invalid_quantity'
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
        quantity,
        returned_at,
        {{ record_status('is_after') }} as record_status,
        record_count,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('returns') }} end as raw_record
    from superseded
)

select * from base_shop__returns
