-- Prevents: a customer who drops out of the RFM table because no segment claims their scores, or a
-- renamed code that breaks the fixed definitions: Champions 5-5-5; At Risk R 1-2 with F 4-5; Loyal
-- Customers any other F 4-5; Lost R 1, F 1.
with

scores as (
    {% for score in range(1, 6) -%}
    select {{ score }} as score
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

expected as (
    select
        recency.score as r_score,
        frequency.score as f_score,
        monetary.score as m_score,
        case
            when recency.score = 5 and frequency.score = 5 and monetary.score = 5 then 'Champions'
            when frequency.score >= 4 and recency.score <= 2 then 'At Risk'
            when frequency.score >= 4 then 'Loyal Customers'
            when frequency.score = 1 and recency.score = 1 then 'Lost'
        end as fixed_segment
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary
),

segments as (
    select
        r_score,
        f_score,
        m_score,
        rfm_segment,
        case when rfm_segment in ('Champions', 'At Risk', 'Loyal Customers', 'Lost') then rfm_segment end
            as fixed_segment
    from {{ ref('rfm_segments') }}
)

select
    expected.r_score,
    expected.f_score,
    expected.m_score,
    expected.fixed_segment as expected_segment,
    segments.rfm_segment
from expected
full outer join segments
    on
        expected.r_score = segments.r_score
        and expected.f_score = segments.f_score
        and expected.m_score = segments.m_score
where
    segments.rfm_segment is null
    or expected.r_score is null
    or expected.fixed_segment is distinct from segments.fixed_segment
