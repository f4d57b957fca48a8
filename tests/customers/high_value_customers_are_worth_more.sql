-- Prevents: names that mean nothing. The typical customer called High-Value must have spent more than
-- the typical customer, one called New must have come later, one called Dormant must have been silent for
-- longer. Medians, because a single wholesaler can outweigh all others. Retrained centroids keep their
-- names, so this speaks up when a name has worn out; it warns, because no bad row may stop a build.
{{ config(severity='warn') }}
with

customer_360 as (
    select
        segment_name,
        {{ scored_monetary() }} as monetary,
        tenure_days,
        recency_days
    from {{ ref('customer_360') }}
    where segment_status = 'segmented'
),

everybody as (
    select
        median(monetary) as monetary,
        median(tenure_days) as tenure_days,
        median(recency_days) as recency_days
    from customer_360
),

segments as (
    select
        segment_name,
        median(monetary) as monetary,
        median(tenure_days) as tenure_days,
        median(recency_days) as recency_days
    from customer_360
    group by 1
)

select
    segments.segment_name,
    segments.monetary,
    segments.tenure_days,
    segments.recency_days
from segments
cross join everybody
where
    (segments.segment_name = 'High-Value' and segments.monetary <= everybody.monetary)
    or (segments.segment_name = 'New' and segments.tenure_days >= everybody.tenure_days)
    or (segments.segment_name = 'Dormant' and segments.recency_days <= everybody.recency_days)
