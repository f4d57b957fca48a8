-- Prevents: marts of a table of which nothing could be read, which replace those of the former build.
-- With the other alarms that stop a build, not before them: depends_on {{ ref('build_facts') }}
with

row_counts as (
    select
        entity,
        record_status,
        broken_rule,
        row_count,
        line_amount
    from {{ ref('raw_row_counts') }}
    where not {{ is_own_rule() }}
),

rules as (
    select
        entity,
        broken_rule,
        record_status,
        row_count,
        row_number() over (partition by entity order by row_count desc, broken_rule asc) as rank_in_table,
        sum(row_count) over (partition by entity) as record_count,
        sum(line_amount) over (partition by entity) as amount,
        sum(case when record_status != 'rejected' then row_count else 0 end) over (partition by entity) as sound_count
    from row_counts
)

select
    'nothing_accepted' as alarm,
    entity,
    broken_rule as detail,
    record_count,
    amount,
    1.0 as share
from rules
where rank_in_table = 1 and sound_count = 0
