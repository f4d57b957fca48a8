-- Grain: one row per month (its first day, and as_of_date). Measured on a sample of the month's
-- customers. Nothing adds up across rows.
with

segment_refit_scores as (
    select
        customer_id,
        snapshot_date,
        segment_id
    from {{ ref('segment_refit_scores') }}
),

by_model as (
    select
        segment_scores.customer_id,
        segment_scores.snapshot_date,
        segment_scores.segment_id,
        segment_scores.distance,
        segment_refit_scores.segment_id as refit_segment_id
    from {{ ref('segment_scores') }} as segment_scores
    inner join segment_refit_scores
        on
            segment_scores.customer_id = segment_refit_scores.customer_id
            and segment_scores.snapshot_date = segment_refit_scores.snapshot_date
),

versions as (
    select
        model_version,
        trained_date
    from {{ ref('segment_parameters') }}
    group by 1, 2
),

months as (
    select
        by_model.snapshot_date,
        versions.model_version,
        versions.trained_date,
        count(*) as customer_count,
        cast(sum(cast(by_model.distance as decimal(18, 9))) as double) / count(by_model.distance) as mean_distance,
        abs({{ dbt.datediff('versions.trained_date', 'by_model.snapshot_date', 'day') }}) as days_apart
    from by_model
    cross join versions
    group by 1, 2, 3
),

-- The month that the model was trained on is the one whose day is nearest.
training_month as (
    select snapshot_date
    from (
        select
            snapshot_date,
            row_number() over (order by days_apart asc, snapshot_date desc) as nearness
        from months
    ) as ranked
    where nearness = 1
),

by_training_month as (
    select
        by_model.customer_id,
        by_model.segment_id
    from by_model
    inner join training_month
        on by_model.snapshot_date = training_month.snapshot_date
),

compared as (
    select
        by_model.snapshot_date,
        by_model.segment_id,
        by_training_month.segment_id as training_segment_id
    from by_model
    inner join by_training_month
        on by_model.customer_id = by_training_month.customer_id
),

refitted as (
    select
        snapshot_date,
        segment_id,
        refit_segment_id
    from by_model
    where refit_segment_id is not null
),

model_agreement as (
    {{ adjusted_rand_index('refitted', 'segment_id', 'refit_segment_id') }}
),

customer_agreement as (
    {{ adjusted_rand_index('compared', 'segment_id', 'training_segment_id') }}
),

changed as (
    select
        snapshot_date,
        cast(count(case when segment_id != training_segment_id then 1 end) as double) / count(*) as changed_share
    from compared
    group by 1
),

measured as (
    select
        months.snapshot_date,
        months.model_version,
        months.trained_date,
        months.customer_count,
        months.mean_distance,
        cast(
            {{ dbt.datediff('months.trained_date', 'months.snapshot_date', 'month') }} as integer
        ) as months_from_training,
        model_agreement.adjusted_rand_index,
        customer_agreement.adjusted_rand_index as customer_rand_index,
        changed.changed_share,
        coalesce(model_agreement.adjusted_rand_index < {{ var('segment_drift_limit') }}, false) as is_off
    from months
    left join model_agreement
        on months.snapshot_date = model_agreement.snapshot_date
    left join customer_agreement
        on months.snapshot_date = customer_agreement.snapshot_date
    left join changed
        on months.snapshot_date = changed.snapshot_date
),

segment_drift as (
    select
        snapshot_date,
        months_from_training,
        cast(customer_count as integer) as customer_count,
        adjusted_rand_index,
        customer_rand_index,
        cast(changed_share as double) as changed_share,
        cast(mean_distance as double) as mean_distance,
        is_off as retrain_recommended,
        -- How far from the training month the first month lies that is off.
        cast(min(case when is_off then abs(months_from_training) end) over () as integer)
            as retrain_after_months,
        trained_date,
        model_version,
        {{ as_of_date() }} as as_of_date
    from measured
)

select * from segment_drift
