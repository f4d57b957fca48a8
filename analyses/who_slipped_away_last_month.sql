-- Which segments lost customers to which within the last month, by how many, and how does that compare
-- with the average of the months before?
with

segment_movements as (
    select
        snapshot_date,
        from_segment,
        to_segment,
        customer_count,
        customer_share,
        as_of_date
    from {{ ref('segment_movements') }}
    where
        segmentation = 'kmeans'
        and month_count = 1
        and from_segment != to_segment
        and from_segment != 'Not yet a customer'
),

earlier_months as (
    select
        from_segment,
        to_segment,
        avg(customer_share) as customer_share
    from segment_movements
    where snapshot_date < as_of_date
    group by 1, 2
),

who_slipped_away_last_month as (
    select
        segment_movements.from_segment,
        segment_movements.to_segment,
        segment_movements.customer_count,
        round(100 * segment_movements.customer_share, 1) as percent_of_segment,
        round(100 * earlier_months.customer_share, 1) as usual_percent
    from segment_movements
    left join earlier_months
        on
            segment_movements.from_segment = earlier_months.from_segment
            and segment_movements.to_segment = earlier_months.to_segment
    where segment_movements.snapshot_date = segment_movements.as_of_date
)

select * from who_slipped_away_last_month
order by 3 desc, 1 asc, 2 asc
