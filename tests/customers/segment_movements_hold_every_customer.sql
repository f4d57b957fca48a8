-- Prevents: a customer who is lost between two days, or counted twice. Movements must lead to all customers of a
-- day and come from all customers of the day before, over each number of months, in both segmentations (by KMeans
-- only where a version is in use).
with

snapshots as (
    select
        segment_dates.snapshot_date,
        segment_dates.is_month_start or segment_dates.is_as_of_date as is_shown,
        count(*) as customer_count
    from {{ ref('int_segment_dates') }} as segment_dates
    inner join {{ ref('int_customer_snapshots') }} as customer_snapshots
        on segment_dates.snapshot_date = customer_snapshots.snapshot_date
    group by 1, 2
),

pairs as (
    {% for months in [1, 3, 12] -%}
    select
        {{ months }} as month_count,
        snapshots.snapshot_date,
        snapshots.customer_count,
        previous_snapshots.customer_count as previous_count
    from snapshots
    inner join snapshots as previous_snapshots
        on cast({{ dbt.dateadd('month', -months, 'snapshots.snapshot_date') }} as date) = previous_snapshots.snapshot_date
    where snapshots.is_shown
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

segmentations as (
    select 'rfm' as segmentation
    union all
    select 'kmeans' as segmentation
    from {{ ref('segment_parameters') }}
    group by 1
),

movements as (
    select
        segmentation,
        snapshot_date,
        month_count,
        sum(customer_count) as customer_count,
        sum(case when from_segment != 'Not yet a customer' then customer_count else 0 end) as previous_count
    from {{ ref('segment_movements') }}
    group by 1, 2, 3
)

select
    segmentations.segmentation,
    pairs.snapshot_date,
    pairs.month_count,
    pairs.customer_count,
    movements.customer_count as moved_count,
    pairs.previous_count,
    movements.previous_count as moved_previous_count
from pairs
cross join segmentations
left join movements
    on
        segmentations.segmentation = movements.segmentation
        and pairs.snapshot_date = movements.snapshot_date
        and pairs.month_count = movements.month_count
where
    pairs.customer_count is distinct from movements.customer_count
    or pairs.previous_count is distinct from movements.previous_count
