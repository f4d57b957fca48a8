-- Prevents: a customer who is lost between two months, or counted twice. Each month's movements must
-- lead to all its customers and come from all customers of the month before, in both segmentations (by
-- KMeans only where a version is in use).
with

snapshots as (
    select
        snapshot_date,
        count(*) as customer_count
    from {{ ref('int_customer_snapshots') }}
    group by 1
),

months as (
    select
        segment_dates.snapshot_date,
        snapshots.customer_count,
        previous_snapshots.customer_count as previous_count
    from {{ ref('int_segment_dates') }} as segment_dates
    inner join snapshots
        on segment_dates.snapshot_date = snapshots.snapshot_date
    inner join snapshots as previous_snapshots
        on segment_dates.previous_date = previous_snapshots.snapshot_date
    where segment_dates.is_month_start or segment_dates.is_as_of_date
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
        sum(customer_count) as customer_count,
        sum(case when from_segment != 'Not yet a customer' then customer_count else 0 end) as previous_count
    from {{ ref('segment_movements') }}
    group by 1, 2
)

select
    segmentations.segmentation,
    months.snapshot_date,
    months.customer_count,
    movements.customer_count as moved_count,
    months.previous_count,
    movements.previous_count as moved_previous_count
from months
cross join segmentations
left join movements
    on
        segmentations.segmentation = movements.segmentation
        and months.snapshot_date = movements.snapshot_date
where
    months.customer_count is distinct from movements.customer_count
    or months.previous_count is distinct from movements.previous_count
