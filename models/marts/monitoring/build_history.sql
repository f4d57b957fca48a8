-- Grain: one row per build and raw table. Appended by every build that ends well; the one table that two
-- builds of the same input do not share.
with

build_facts as (
    select
        entity,
        raw_count,
        sound_count,
        mapping_hash,
        landed_columns,
        filled_columns,
        id_sketch
    from {{ ref('build_facts') }}
),

build_history as (
    select
        '{{ invocation_id }}' as invocation_id,
        cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp) as run_started_at,
        entity,
        raw_count,
        sound_count,
        mapping_hash,
        landed_columns,
        filled_columns,
        id_sketch
    from build_facts
)

select * from build_history
