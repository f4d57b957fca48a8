-- Grain: one row per model and split. Nothing adds up.
with

predictions as (
    select
        model,
        customer_id,
        snapshot_date,
        churn_probability as p,
        case when is_churned then 1 else 0 end as churned,
        model_version
    from {{ ref('churn_backtest') }}
),

ranked as (
    select
        model,
        snapshot_date,
        model_version,
        p,
        churned,
        -- Twice the mean rank of equal values: a whole number.
        2 * rank() over (partition by model order by p)
        + count(*) over (partition by model, p) - 1 as double_rank,
        row_number() over (partition by model order by p desc, customer_id asc) as rank_from_top,
        count(*) over (partition by model) as customers,
        ntile(10) over (partition by model order by p, customer_id) as bin
    from predictions
),

thresholds as (
    select
        model,
        p,
        sum(churned) as positives,
        sum(sum(churned)) over (partition by model order by p desc) as positives_above,
        sum(count(*)) over (partition by model order by p desc) as customers_above
    from ranked
    group by 1, 2
),

precisions as (
    select
        model,
        sum(cast(cast(positives as double) * positives_above / customers_above as decimal(28, 15)))
            as summed_precision
    from thresholds
    group by 1
),

bins as (
    select
        model,
        bin,
        abs(sum(cast(churned as decimal(28, 15))) - sum(cast(p as decimal(28, 15)))) as bin_error
    from ranked
    group by 1, 2
),

calibration as (
    select
        model,
        sum(bin_error) as summed_error
    from bins
    group by 1
),

summed as (
    select
        model,
        snapshot_date,
        model_version,
        customers,
        sum(churned) as churners,
        cast(sum(case when churned = 1 then double_rank end) as double) / 2 as rank_sum,
        sum(cast((p - churned) * (p - churned) as decimal(28, 15))) as squared_error,
        sum(cast(-ln(greatest(case when churned = 1 then p else 1 - p end, 0.000001)) as decimal(28, 15)))
            as negative_log_likelihood,
        sum(case when rank_from_top <= greatest(floor(customers / 10), 1) then churned end) as churners_on_top
    from ranked
    group by 1, 2, 3, 4
),

measured as (
    select
        summed.model,
        summed.model_version,
        summed.snapshot_date,
        summed.customers,
        summed.churners,
        cast(summed.churners as double) / summed.customers as base_rate,
        (summed.rank_sum - cast(summed.churners as double) * (summed.churners + 1) / 2)
        / nullif(cast(summed.churners as double) * (summed.customers - summed.churners), 0) as auc,
        cast(precisions.summed_precision as double) / nullif(summed.churners, 0) as average_precision,
        cast(summed.negative_log_likelihood as double) / summed.customers as log_loss,
        cast(summed.squared_error as double) / summed.customers as brier_score,
        cast(calibration.summed_error as double) / summed.customers as calibration_error,
        cast(summed.churners_on_top as double) / greatest(floor(summed.customers / 10), 1)
        / nullif(cast(summed.churners as double) / summed.customers, 0) as top_decile_lift
    from summed
    inner join precisions
        on summed.model = precisions.model
    inner join calibration
        on summed.model = calibration.model
),

best_baseline as (
    select
        max(auc) as auc,
        min(log_loss) as log_loss
    from measured
    where model != 'churn'
),

churn_status as (
    select
        model_version,
        feature as status,
        note
    from {{ ref('churn_parameters') }}
    where fit = 'backtest' and model = 'churn' and parameter_type = 'status'
),

scored as (
    select
        measured.model,
        measured.model_version,
        measured.snapshot_date as test_date,
        'scored' as score_status,
        cast(null as varchar) as score_reason,
        measured.auc,
        measured.average_precision,
        measured.log_loss,
        measured.brier_score,
        measured.calibration_error,
        measured.top_decile_lift,
        measured.customers,
        measured.base_rate,
        case
            when measured.model != 'churn' then null
            when
                measured.auc >= best_baseline.auc + 0.01
                and measured.log_loss <= 0.98 * best_baseline.log_loss
                then 'A'
            when measured.auc > best_baseline.auc and measured.log_loss < best_baseline.log_loss then 'B'
            else 'C'
        end as grade
    from measured
    cross join best_baseline
),

unscored as (
    select
        'churn' as model,
        churn_status.model_version,
        cast(null as date) as test_date,
        'insufficient_history' as score_status,
        case
            when churn_status.status = 'trained' then 'no customer can be tested'
            else churn_status.note
        end as score_reason,
        cast(null as double) as auc,
        cast(null as double) as average_precision,
        cast(null as double) as log_loss,
        cast(null as double) as brier_score,
        cast(null as double) as calibration_error,
        cast(null as double) as top_decile_lift,
        0 as customers,
        cast(null as double) as base_rate,
        cast(null as varchar) as grade
    from churn_status
    where not exists (select 1 from measured)
),

model_scorecard as (
    select
        model,
        model_version,
        'test' as split,
        test_date,
        score_status,
        score_reason,
        auc,
        average_precision,
        log_loss,
        brier_score,
        calibration_error,
        top_decile_lift,
        cast(customers as integer) as customers,
        base_rate,
        grade,
        {{ as_of_date() }} as as_of_date
    from (
        select * from scored
        union all
        select * from unscored
    ) as either_way
)

select * from model_scorecard
