-- Grain: one row per raw record of stock, exact copies included, whether accepted or not.
with

source as (
    {{ raw_records('inventory') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_product_id') }} as written_product_id,
        {{ clean_id('raw_warehouse_id') }} as written_warehouse_id,
        {{ written_time('raw_last_updated', 'inventory') }} as written_last_updated
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_product_id') }} as product_id,
        {{ known_id('written_warehouse_id') }} as warehouse_id,

        ---------- numerics
        {{ to_whole_number('raw_stock_quantity', 'inventory') }} as stock_quantity,

        ---------- timestamps
        {{ to_utc('raw_last_updated', 'inventory', 'written_last_updated') }} as last_updated_at
    from cleaned
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when product_id is null then 'missing_product_id'
            when warehouse_id is null then 'missing_warehouse_id'
            when stock_quantity is null or stock_quantity < 0 then 'invalid_stock_quantity'
            when {{ is_unreadable('raw_last_updated', 'last_updated_at') }}
                then 'invalid_last_updated'
        end as faulty_rule,
        -- A count is a state, not an event: unless a past day is replayed, the newest one holds even
        -- when it was taken after the last order.
        coalesce({{ local_date('last_updated_at') }} >= {{ as_of_date_setting() }}, false) as is_after
    from typed
),

superseded as (
    select
        *,
        case
            when faulty_rule is not null then faulty_rule
            when is_after then null
            when copy_number > 1 then 'exact_duplicate'
            when
                {{ newest_first(['product_id', 'warehouse_id', 'is_after'], 'last_updated_at', 'inventory') }}
                > 1
                then 'superseded'
        end as broken_rule
    from checked
),

base_shop__inventory as (
    select
        product_id,
        warehouse_id,
        stock_quantity,
        last_updated_at,
        {{ record_status('is_after') }} as record_status,
        copy_number,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('inventory') }} end as raw_record
    from superseded
)

select * from base_shop__inventory
