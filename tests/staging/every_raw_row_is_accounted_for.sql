-- Prevents: a raw row that vanishes or is counted twice between the raw tables and the figures. The
-- raw rows are counted from the source, the accepted and rejected ones where they are published.
{%- set entities = raw_entities() %}
with

raw_rows as (
    {% for entity in entities -%}
    select
        '{{ entity }}' as entity,
        count(*) as raw_count
    from {{ source('shop', entity) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

accepted_rows as (
    {% for entity in entities -%}
    select
        '{{ entity }}' as entity,
        count(*) as accepted_count
    from {{ ref('stg_shop__' ~ entity) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

rejected as (
    select
        entity,
        count(*) as rejected_count
    from {{ ref('rejected_rows') }}
    group by 1
),

summary as (
    select
        entity,
        raw_count,
        accepted_count,
        rejected_count,
        left_out_count
    from {{ ref('data_quality_summary') }}
)

select
    raw_rows.entity,
    raw_rows.raw_count,
    summary.raw_count as summary_raw_count,
    accepted_rows.accepted_count,
    coalesce(rejected.rejected_count, 0) as rejected_count,
    summary.left_out_count
from raw_rows
inner join accepted_rows
    on raw_rows.entity = accepted_rows.entity
left join rejected
    on raw_rows.entity = rejected.entity
left join summary
    on raw_rows.entity = summary.entity
where
    raw_rows.raw_count is distinct from (
        accepted_rows.accepted_count
        + coalesce(rejected.rejected_count, 0)
        + summary.left_out_count
    )
    or raw_rows.raw_count is distinct from summary.raw_count
    or accepted_rows.accepted_count is distinct from summary.accepted_count
    or coalesce(rejected.rejected_count, 0) is distinct from summary.rejected_count
