-- Prevents: a list of anomalies in which more is expected to be ordinary than the shop asked for, or that says different
-- numbers of false alarms on its rows.
with

counted as (
    select
        'order' as entity_type,
        count(*) as row_count,
        min(expected_false_alarm_count) as least_count,
        max(expected_false_alarm_count) as largest_count
    from {{ ref('order_anomalies') }}
    union all
    select
        entity_type,
        count(*) as row_count,
        min(expected_false_alarm_count) as least_count,
        max(expected_false_alarm_count) as largest_count
    from {{ ref('return_anomalies') }}
    group by 1
)

select
    entity_type,
    row_count,
    least_count,
    largest_count
from counted
where
    least_count is distinct from largest_count
    or largest_count > {{ var('anomaly_false_share') }} * row_count + 0.000001
