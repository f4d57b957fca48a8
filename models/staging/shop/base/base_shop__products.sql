-- Grain: one row per distinct raw record of a product, whether accepted or not.
with

source as (
    {{ raw_records('products') }}
),

typed as (
    select
        *,

        ---------- ids
        {{ clean_id('raw_product_id') }} as product_id,

        ---------- strings
        {{ clean_text('raw_name') }} as product_name,
        {{ clean_text('raw_category') }} as category,
        {{ clean_text('raw_brand') }} as brand,

        ---------- numerics
        {{ to_amount('raw_price') }} as price,
        {{ to_amount('raw_cost') }} as cost
    from source
),

checked as (
    select
        *,
        case
            when landing_rule is not null then landing_rule
            when product_id is null then 'missing_product_id'
            when price < 0 or {{ is_unreadable('raw_price', 'price') }} then 'invalid_price'
            when cost < 0 or {{ is_unreadable('raw_cost', 'cost') }} then 'invalid_cost'
        end as faulty_rule
    from typed
),

superseded as (
    select
        *,
        case
            when faulty_rule is not null then faulty_rule
            when {{ newest_first(['product_id'], none, 'products') }} > 1 then 'superseded'
        end as broken_rule
    from checked
),

base_shop__products as (
    select
        product_id,
        product_name,
        category,
        brand,
        price,
        cost,
        {{ record_status('false') }} as record_status,
        record_count,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('products') }} end as raw_record
    from superseded
)

select * from base_shop__products
