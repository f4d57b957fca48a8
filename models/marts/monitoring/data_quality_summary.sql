-- Grain: one row per raw table. Counts add up; rejected_share does not.
{%- set entities = raw_entities() %}
with

row_counts as (
    select
        entity,
        record_status,
        broken_rule,
        row_count
    from {{ ref('raw_row_counts') }}
),

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
        sum(case when record_status = 'accepted' then row_count end) as accepted_count,
        sum(case when record_status = 'rejected' then row_count end) as rejected_count,
        sum(case when broken_rule = 'exact_duplicate' then row_count end) as duplicate_count,
        sum(case when record_status = 'left_out' then row_count end) as left_out_count
    from row_counts
    group by 1
),

data_quality_summary as (
    select
        entities.entity,
        cast(coalesce(counted.raw_count, 0) as bigint) as raw_count,
        cast(coalesce(counted.accepted_count, 0) as bigint) as accepted_count,
        cast(coalesce(counted.rejected_count, 0) as bigint) as rejected_count,
        cast(coalesce(counted.duplicate_count, 0) as bigint) as duplicate_count,
        cast(coalesce(counted.left_out_count, 0) as bigint) as left_out_count,
        cast(coalesce(counted.rejected_count, 0) as double) / nullif(counted.raw_count, 0) as rejected_share,
        {{ as_of_date() }} as as_of_date
    from entities
    left join counted
        on entities.entity = counted.entity
)

select * from data_quality_summary
