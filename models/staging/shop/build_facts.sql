-- Grain: one row per raw table.
{%- set entities = raw_entities() %}
with

-- A raw table without a row counts too.
entities as (
    {% for entity in entities -%}
    select '{{ entity }}' as entity
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (
    select
        entity,
        sum(row_count) as raw_count,
        -- Left out on a replayed day, but sound.
        sum(case when record_status != 'rejected' then row_count else 0 end) as sound_count
    from {{ ref('raw_row_counts') }}
    group by entity
),

landed_columns as (
    select
        entity,
        {{ dbt.listagg('column_name', "', '", 'order by column_name') }} as landed_columns
    from {{ ref('stg_shop__landed_columns') }}
    group by entity
),

filled_columns as (
    select
        entity,
        {{ dbt.listagg('column_name', "', '", 'order by column_name') }} as filled_columns
    from {{ ref('contract_columns') }}
    where is_filled
    group by entity
),

order_rows as (
    select
        order_id,
        customer_id,
        product_id,
        ordered_at
    from {{ ref('base_shop__orders') }}
    where record_status != 'rejected'
),

-- The 200 smallest hashes of all ids are the same in every build of the same shop, and of two shops
-- they agree as far as the ids do. An order carries its day, since small numbers are ids in any shop.
order_hashes as (
    select
        substr(md5(order_id), 1, 12)
        || substr(md5(cast({{ local_date('min(ordered_at)') }} as varchar)), 1, 4) as id_hash
    from order_rows
    group by order_id
    order by id_hash
    limit 200
),

{% for entity, column in {'customers': 'customer_id', 'products': 'product_id'}.items() -%}
{{ entity }} as (
    select {{ column }}
    from order_rows
    where {{ column }} is not null
    union
    select {{ column }}
    from {{ ref('base_shop__' ~ entity) }}
    where record_status != 'rejected'
),

{{ column }}_hashes as (
    select substr(md5({{ column }}), 1, 16) as id_hash
    from {{ entity }}
    order by id_hash
    limit 200
),

{% endfor -%}
sketches as (
    {% for entity, hashes in {
        'orders': 'order_hashes', 'customers': 'customer_id_hashes', 'products': 'product_id_hashes'
    }.items() -%}
    select
        '{{ entity }}' as entity,
        {{ dbt.listagg('id_hash', "','", 'order by id_hash') }} as id_sketch
    from {{ hashes }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

build_facts as (
    select
        entities.entity,
        cast(coalesce(counted.raw_count, 0) as bigint) as raw_count,
        cast(coalesce(counted.sound_count, 0) as bigint) as sound_count,
        '{{ local_md5(tojson(var("shop") or {}, sort_keys=true)) }}' as mapping_hash,
        landed_columns.landed_columns,
        filled_columns.filled_columns,
        -- No id in it is nothing to compare.
        nullif(sketches.id_sketch, '') as id_sketch
    from entities
    left join counted
        on entities.entity = counted.entity
    left join landed_columns
        on entities.entity = landed_columns.entity
    left join filled_columns
        on entities.entity = filled_columns.entity
    left join sketches
        on entities.entity = sketches.entity
)

select * from build_facts
