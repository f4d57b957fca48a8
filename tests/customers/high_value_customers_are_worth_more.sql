-- Prevents: names that mean nothing. The typical customer called High-Value must have spent more than
-- the typical customer, one called New must have come later, one called Dormant must have been silent for
-- longer. Medians, because a single wholesaler can outweigh all others. Retrained centroids keep their
-- names, so this speaks up when a name has worn out, or stands in no row of the seed any more, so that nobody would be
-- looked at; it warns, because no bad row may stop a build.
{{ config(severity='warn') }}
{%- set names = ['High-Value', 'New', 'Dormant'] %}
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
),

names as (
    {% for name in names -%}
    select '{{ name }}' as segment_name
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    'the name means nothing' as problem,
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
union all
select
    'no segment can have this name: name one of the seed segment_archetypes in this test' as problem,
    names.segment_name,
    null as monetary,
    null as tenure_days,
    null as recency_days
from names
left join {{ ref('segment_archetypes') }} as segment_archetypes
    on names.segment_name = segment_archetypes.segment_name
where segment_archetypes.segment_name is null
