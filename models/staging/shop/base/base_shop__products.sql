-- Grain: one row per raw record of a product, exact copies included, whether accepted or not.
with

source as (
    {{ raw_records('products') }}
),

cleaned as (
    select
        *,
        {{ clean_id('raw_product_id') }} as written_product_id
    from source
),

typed as (
    select
        *,

        ---------- ids
        {{ known_id('written_product_id') }} as product_id,

        ---------- strings
        {{ clean_text('raw_name') }} as product_name,
        {{ clean_text('raw_category') }} as category,
        {{ clean_text('raw_brand') }} as brand,

        ---------- numerics
        {{ to_amount('raw_price', 'products') }} as price,
        {{ to_amount('raw_cost', 'products') }} as cost
    from cleaned
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
            when copy_number > 1 then 'exact_duplicate'
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
        copy_number,
        broken_rule,
        case when broken_rule is not null then {{ raw_record('products') }} end as raw_record
    from superseded
)

select * from base_shop__products
