-- Grain: one row per customer and snapshot date whose outcome is known, and per customer on as_of_date,
-- whose outcome is not. Whole customers are taken in the order of a hash of their id until the var
-- train_sample_rows is reached: always the same ones, and never more, however large the shop is.
with

snapshots as (
    select *
    from {{ ref('int_customer_snapshots') }}
    where is_eligible and history_days >= 30
),

outcomes as (
    select
        customer_id,
        snapshot_date,
        is_churned,
        days_to_next_order,
        orders_next_90,
        value_next_90
    from {{ ref('int_customer_outcomes') }}
    where is_churned is not null or snapshot_date = {{ as_of_date() }}
),

purchase_gaps as (
    select percentile_disc(0.8) within group (order by gap_days) as purchase_gap_80
    from {{ ref('int_customer_days') }}
    where gap_days is not null
),

row_counts as (
    select
        snapshots.customer_id,
        count(*) as row_count
    from snapshots
    inner join outcomes
        on
            snapshots.customer_id = outcomes.customer_id
            and snapshots.snapshot_date = outcomes.snapshot_date
    group by 1
),

hashed as (
    select
        customer_id,
        sum(row_count) over (
            order by {{ dbt.hash('customer_id') }}, customer_id
            rows between unbounded preceding and current row
        ) as rows_so_far
    from row_counts
),

int_training_sample as (
    select
        snapshots.*,
        snapshots.r_score + snapshots.f_score + snapshots.m_score as rfm_score_sum,
        outcomes.is_churned,
        outcomes.days_to_next_order,
        outcomes.orders_next_90,
        outcomes.value_next_90,
        cast(purchase_gaps.purchase_gap_80 as integer) as purchase_gap_80
    from snapshots
    inner join hashed
        on snapshots.customer_id = hashed.customer_id
    inner join outcomes
        on
            snapshots.customer_id = outcomes.customer_id
            and snapshots.snapshot_date = outcomes.snapshot_date
    cross join purchase_gaps
    where hashed.rows_so_far <= {{ var('train_sample_rows') }}
)

select * from int_training_sample
