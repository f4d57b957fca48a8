-- Prevents: names that mean nothing. Customers called High-Value must have spent more on average than
-- the average customer, customers called New must have come later, customers called Dormant must have
-- been silent for longer. Retrained centroids keep their names, so this fails when a name has worn out.
with

customer_360 as (
    select
        segment_name,
        monetary,
        tenure_days,
        recency_days
    from {{ ref('customer_360') }}
    where segment_status = 'segmented'
),

everybody as (
    select
        avg(monetary) as monetary,
        avg(tenure_days) as tenure_days,
        avg(recency_days) as recency_days
    from customer_360
),

segments as (
    select
        segment_name,
        avg(monetary) as monetary,
        avg(tenure_days) as tenure_days,
        avg(recency_days) as recency_days
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
