-- Prevents: two customers with the same value and different scores, or a better value with a worse
-- score. The lowest recency is best, the highest frequency and monetary.
with

cut_points as (
    select
        metric,
        score,
        case when metric = 'recency_days' then -highest_value else lowest_value end as worst_value,
        case when metric = 'recency_days' then -lowest_value else highest_value end as best_value
    from {{ ref('rfm_cut_points') }}
),

compared as (
    select
        metric,
        score,
        worst_value,
        lag(best_value) over (partition by metric order by score) as best_value_below
    from cut_points
)

select
    metric,
    score,
    worst_value,
    best_value_below
from compared
where worst_value <= best_value_below
