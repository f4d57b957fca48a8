-- Grain: one row per fit and eligible customer of its day who is likelier than not to order again within a year.
with

next_order_times as (
    select
        fit,
        fit_date,
        rhythm_class,
        silence_class,
        prior_gap,
        cast(returning_customers as double) / customers as returning_share,
        is_from_last_order,
        gaps_10,
        gaps_50,
        gaps_90
    from {{ ref('next_order_times') }}
),

fits as (
    select
        fit,
        fit_date,
        prior_gap
    from next_order_times
    group by 1, 2, 3
),

snapshots as (
    select
        fits.fit,
        fits.prior_gap,
        customer_snapshots.customer_id,
        customer_snapshots.snapshot_date,
        customer_snapshots.order_days,
        customer_snapshots.tenure_days,
        customer_snapshots.recency_days,
        customer_snapshots.last_gap,
        customer_snapshots.gap_variation
    from {{ ref('int_customer_snapshots') }} as customer_snapshots
    inner join fits
        on customer_snapshots.snapshot_date = fits.fit_date
    where customer_snapshots.is_eligible
),

rhythms as (
    {{ order_rhythm('snapshots') }}
),

alike as (
    select
        rhythms.fit,
        rhythms.customer_id,
        rhythms.snapshot_date,
        rhythms.gap_scale,
        rhythms.prior_gap,
        rhythms.recency_days,
        rhythms.last_gap,
        next_order_times.returning_share,
        next_order_times.gaps_10,
        next_order_times.gaps_50,
        next_order_times.gaps_90,
        case when next_order_times.is_from_last_order then rhythms.recency_days else 0 end as days_gone,
        row_number() over (
            partition by rhythms.fit, rhythms.customer_id
            order by next_order_times.rhythm_class desc, next_order_times.silence_class desc
        ) as nearness
    from rhythms
    inner join next_order_times
        on
            rhythms.fit = next_order_times.fit
            and next_order_times.rhythm_class in (rhythms.rhythm_class, -1)
            and next_order_times.silence_class in (rhythms.silence_class, -1)
),

next_order_scores as (
    select
        fit,
        customer_id,
        snapshot_date,
        returning_share,
        cast(greatest(floor(gap_scale * gaps_10 - days_gone), 0) as integer) as earliest_days,
        cast(greatest(round(gap_scale * gaps_50 - days_gone), 0) as integer) as expected_days,
        cast(greatest(ceil(gap_scale * gaps_90 - days_gone), 0) as integer) as latest_days,
        -- The simple rule that the scorecard holds beside it.
        cast(greatest(round(coalesce(last_gap, prior_gap) - recency_days), 0) as integer) as last_gap_days
    from alike
    where nearness = 1 and returning_share >= 0.5
)

select * from next_order_scores
